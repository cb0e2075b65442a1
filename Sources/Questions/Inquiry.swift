internal import Addressing
public import Nftables
public import Policy
internal import Simulator

/// Answers questions about a policy by the rules that it becomes: for all clients at once, as intervals, and none is sampled.
///
/// Only the asked doors are tried, however many a policy has.
public struct Inquiry {
    let policy: ResolvedPolicy
    let ruleset: Ruleset
    let linear: LinearRuleset
    private let doors: Doors
    private let links: Links
    private let places: NamedPlaces
    /// The one interface that clients come in by; nil stands for every external one.
    let interface: String?
    private var trial4: SourceTrial<UInt32>
    private var trial6: SourceTrial<UInt128>
    /// Made for the first packet that is traced: most answers need none.
    var simulation: Simulation?

    /// `linear` is the ruleset as the kernel runs it.
    public init(policy: ResolvedPolicy, ruleset: Ruleset, linear: LinearRuleset, interface: String? = nil) {
        self.policy = policy
        self.ruleset = ruleset
        self.linear = linear
        self.interface = interface
        places = NamedPlaces(linear)
        doors = Doors(policy, places)
        links = Links(linear)
        trial4 = SourceTrial(linear)
        trial6 = SourceTrial(linear)
    }

    /// One approach, and who of the asked clients gets in by it.
    struct Trying {
        var way: Way
        var approach: Approach
        var allowed: AddressSet
        var refused: AddressSet
        /// The chain of the services that cover the door.
        var chain: String?
        /// What decides it and is not understood: who gets in is a guess then.
        var notUnderstood: Set<String>
        var existence = Doors.Existence.certain
    }

    /// How much of what the clients can try is wanted.
    enum Demand {
        /// All of it; where that is more, it is not begun.
        case all(atMost: Int)
        /// The first that are as it says, and may be there for all that is known.
        case first(Int, Doors.Existence, where: (Trying) -> Bool)
    }

    /// What the clients can try. A family of theirs that no door is of is left out.
    mutating func tries(
        _ destination: Destination, _ clients: AddressSet, _ demand: Demand
    ) -> Result<[Trying], Doors.Obstacle> {
        switch doors.of(destination) {
        case .failure(let obstacle): return .failure(obstacle)
        case .success(let found):
            switch demand {
            case .all(let limit):
                var count = 0
                for door in found where count < limit { count += approaches(door, clients).count }
                if count >= limit { return .failure(Doors.Obstacle(reason: .tooManyWays)) }
                if count == 0 { return .failure(Doors.Obstacle(reason: obstacle(found, clients))) }
                return .success(found.flatMap { door in tries(door, clients) })
            case .first(let limit, let existence, let isWanted):
                var tries: [Trying] = []
                var isTried = false
                for door in found where tries.count < limit {
                    guard door.existence == existence else { continue }
                    for tried in self.tries(door, clients) {
                        isTried = true
                        if isWanted(tried) { tries.append(tried) }
                    }
                }
                guard isTried || existence != .certain else {
                    return .failure(Doors.Obstacle(reason: obstacle(found, clients)))
                }
                return .success(tries)
            }
        }
    }

    private mutating func tries(_ door: Doors.Door, _ clients: AddressSet) -> [Trying] {
        var tries: [Trying] = []
        for (way, approach) in approaches(door, clients) {
            var tried = attempt(way, approach, clients)
            tried.existence = door.existence
            tries.append(tried)
        }
        return tries
    }

    /// Why there is nothing that these clients could try.
    private func obstacle(_ doors: [Doors.Door], _ clients: AddressSet) -> Explanation.Obstacle {
        if clients.isEmpty { return .nobody }
        return doors.contains { !approaches($0, .all).isEmpty } ? .otherFamily : .noInterface
    }

    private mutating func attempt(_ way: Way, _ approach: Approach, _ clients: AddressSet) -> Trying {
        switch approach.family {
        case .ipv4:
            let reach = trial4.reach(approach, of: clients.v4)
            return Trying(
                way: way, approach: approach, allowed: AddressSet(v4: reach.allowed),
                refused: AddressSet(v4: clients.v4.subtracting(reach.allowed)), chain: reach.chain,
                notUnderstood: reach.notUnderstood)
        case .ipv6:
            let reach = trial6.reach(approach, of: clients.v6)
            return Trying(
                way: way, approach: approach, allowed: AddressSet(v6: reach.allowed),
                refused: AddressSet(v6: clients.v6.subtracting(reach.allowed)), chain: reach.chain,
                notUnderstood: reach.notUnderstood)
        }
    }

    // MARK: By which interfaces

    private func approaches(_ door: Doors.Door, _ clients: AddressSet) -> [(Way, Approach)] {
        let families = (door.family.map { [$0] } ?? AddressFamily.allCases).filter { clients.hasAny(of: $0) }
        let outside = entrances(door)
        let bridges = door.path == .published || door.path == .direct ? links.bridges : [Link(example: "", names: [])]
        return families.flatMap { family in
            outside.flatMap { link in
                bridges.compactMap { bridge in
                    approach(door, family, link.example, bridge.example).map { approach in
                        let way = Way(
                            path: door.path, transport: door.ports.transport, ports: door.ports.ports,
                            address: door.address, isBesideNamed: door.isBesideNamed,
                            interfaces: link.names, bridges: bridge.names)
                        return (way, approach)
                    }
                }
            }
        }
    }

    /// What is the same through every interface and to every bridge is said without them.
    func shortened(_ ways: [Way]) -> [Way] {
        ways.map { way in
            var way = way
            let all = way.path == .wire ? places.guardedDevices : links.outside.flatMap(\.names)
            if interface == nil, Set(way.interfaces) == Set(all) { way.interfaces = [] }
            if way.bridges.count == links.bridges.flatMap(\.names).count { way.bridges = [] }
            return way
        }
    }

    private func entrances(_ door: Doors.Door) -> [Link] {
        let all: [Link]
        switch door.path {
        case .wire:
            let devices = places.guardedDevices.isEmpty ? [""] : places.guardedDevices
            all = devices.filter { interface == nil || interface == $0 }.map {
                Link(example: $0, names: $0.isEmpty ? [] : [$0])
            }
        case .published, .proxy, .host, .direct:
            all = interface.map { [Link(example: $0, names: [$0])] } ?? links.outside
        }
        // Whoever asks of one interface is not kept to those of the service.
        guard !door.interfaces.isEmpty, interface == nil else { return all }
        // One that a service names and that is not external is trusted: what comes from there gets in.
        let kinds = door.path == .wire ? all : links.all
        return kinds.filter { link in door.interfaces.contains { $0.matches(link.example) } }
    }

    private func approach(
        _ door: Doors.Door, _ family: AddressFamily, _ interface: String, _ bridge: String
    ) -> Approach? {
        let transport = door.ports.transport
        let port = door.ports.ports.lowerBound
        switch door.path {
        case .published:
            return .forwarded(family, transport, port, on: door.address, from: interface, to: bridge)
        case .proxy, .host:
            return .delivered(family, transport, port, on: door.address, from: interface)
        case .direct:
            return door.address.map { .direct(family, transport, port, on: $0, from: interface, to: bridge) }
        case .wire:
            return door.address.map { .onTheWire(transport, port, on: $0, parent: interface) }
        }
    }
}

extension AddressSet {
    fileprivate func hasAny(of family: AddressFamily) -> Bool {
        switch family {
        case .ipv4: !v4.isEmpty
        case .ipv6: !v6.isEmpty
        }
    }
}
