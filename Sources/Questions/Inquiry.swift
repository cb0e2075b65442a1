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
    }

    /// Everything that the clients can try, as far as it is wanted: at most `limit`. A family of theirs that no door is of is left
    /// out.
    mutating func tries(
        _ destination: Destination, _ clients: AddressSet, limit: Int, where isWanted: (Trying) -> Bool = { _ in true }
    ) -> Result<[Trying], Doors.Obstacle> {
        switch doors.of(destination) {
        case .failure(let obstacle): return .failure(obstacle)
        case .success(let found):
            var tries: [Trying] = []
            var isTried = false
            for door in found {
                for (way, approach) in approaches(door) {
                    guard let tried = attempt(way, approach, clients) else { continue }
                    isTried = true
                    if isWanted(tried) { tries.append(tried) }
                    if tries.count >= limit { return .success(tries) }
                }
            }
            return isTried ? .success(tries) : .failure(Doors.Obstacle(reason: .otherFamily))
        }
    }

    private mutating func attempt(_ way: Way, _ approach: Approach, _ clients: AddressSet) -> Trying? {
        switch approach.family {
        case .ipv4:
            guard !clients.v4.isEmpty else { return nil }
            let reach = trial4.reach(approach, of: clients.v4)
            return Trying(
                way: way, approach: approach, allowed: AddressSet(v4: reach.allowed),
                refused: AddressSet(v4: clients.v4.subtracting(reach.allowed)), chain: reach.chain)
        case .ipv6:
            guard !clients.v6.isEmpty else { return nil }
            let reach = trial6.reach(approach, of: clients.v6)
            return Trying(
                way: way, approach: approach, allowed: AddressSet(v6: reach.allowed),
                refused: AddressSet(v6: clients.v6.subtracting(reach.allowed)), chain: reach.chain)
        }
    }

    // MARK: By which interfaces

    private func approaches(_ door: Doors.Door) -> [(Way, Approach)] {
        let families = door.family.map { [$0] } ?? AddressFamily.allCases
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
