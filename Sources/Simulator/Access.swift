public import Addressing
public import Nftables

/// Where a client may knock: a port, on one of the two ways in.
public struct Door: Hashable, Comparable, Sendable {
    public enum Way: Int, Hashable, Comparable, Sendable {
        /// A published port, whatever leads to the container.
        case published
        /// A port of the machine itself.
        case machine
        /// A container's own address.
        case container
        /// A container's own address behind an interface that it shares with the host.
        case wire

        public static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
    }

    /// At which of the host's addresses.
    public enum HostAddress: Hashable, Sendable {
        case any
        case one(IPAddress)
        /// All but those that are spoken of by themselves.
        case others

        var text: String {
            switch self {
            case .any: ""
            case .one(let address): address.description
            case .others: "others"
            }
        }
    }

    public var way: Way
    public var transport: TransportProtocol
    /// Nil stands for every port that no service covers.
    public var ports: ClosedRange<UInt16>?
    public var address: HostAddress
    /// Through which interfaces, where not all outside are alike: names and beginnings of names, and `other` for all that no rule
    /// names.
    public var interfaces: [String]
    /// To which containers' bridges, where not all are alike.
    public var bridges: [String]
    /// The chain of the services that cover it.
    public var chain: String?

    private var order: (Int, TransportProtocol, Int, String, String) {
        (
            way.rawValue, transport, ports.map { Int($0.lowerBound) } ?? Int.max, address.text,
            (interfaces + bridges).joined(separator: " ")
        )
    }

    public static func < (left: Self, right: Self) -> Bool { left.order < right.order }
}

/// Who could come in by a door, and who can once the change is made.
public struct AccessChange: Hashable, Sendable {
    public var door: Door
    public var before: AddressSet
    public var after: AddressSet
    /// What the live rules hold that is not understood; `before` is then a guess.
    public var notUnderstood: Set<String>

    public var gained: AddressSet { after.subtracting(before) }
    public var lost: AddressSet { before.subtracting(after) }

    fileprivate func isSame(as other: Self, on address: IPAddress) -> Bool {
        door.way == other.door.way && door.chain == other.door.chain && before == other.before.only(address.family)
            && after == other.after.only(address.family)
    }
}

/// What two rulesets say about access, computed from the rules themselves.
public struct Access {
    private let before: LinearRuleset
    private let after: LinearRuleset
    private let links: Links
    private let ports: PortStretches

    /// Without a ruleset, everyone comes in everywhere.
    public init(before: LinearRuleset?, after: LinearRuleset?) {
        self.before = before ?? LinearRuleset(table: Table(name: ""))
        self.after = after ?? LinearRuleset(table: Table(name: ""))
        links = Links(before, after)
        ports = PortStretches([self.before, self.after])
    }

    /// The doors at which the two let different clients in.
    public var changes: [AccessChange] {
        var trial = Trial(before: before, after: after)
        var found: [AccessChange] = []
        for transport in transports {
            for interface in links.outside {
                for bridge in links.bridges {
                    found += changes(transport, interface, bridge, &trial)
                }
            }
        }
        return Self.merged(Self.joined(found, links) + wireChanges(&trial))
    }

    private func changes(
        _ transport: TransportProtocol, _ interface: Link, _ bridge: Link, _ trial: inout Trial
    ) -> [AccessChange] {
        var found: [AccessChange] = []
        var anywhere: [ClosedRange<UInt16>: [AccessChange]] = [:]
        var place = Place(
            transport: transport, ports: 0...0, isNamed: false, address: nil, interface: interface, bridge: bridge)
        for stretch in ports.stretches {
            place.ports = stretch
            place.isNamed = ports.named[transport]?.contains(stretch) == true
            anywhere[stretch] = changes(at: place, &trial)
        }
        var isSplit: Set<ClosedRange<UInt16>> = []
        for (address, stretches) in ports.ofAddresses {
            place.address = address
            for stretch in stretches {
                place.ports = stretch
                place.isNamed = ports.named[transport]?.contains(stretch) == true
                let here = changes(at: place, &trial)
                // Said already, unless this address is treated in another way than the others.
                if !here.elementsEqual(anywhere[stretch] ?? [], by: { $0.isSame(as: $1, on: address) }) {
                    isSplit.insert(stretch)
                    found += here
                }
            }
        }
        for stretch in ports.stretches {
            for var change in anywhere[stretch] ?? [] {
                if isSplit.contains(stretch) { change.door.address = .others }
                found.append(change)
            }
        }
        return (found + atContainers(transport, interface, bridge, &trial)).filter { $0.before != $0.after }
    }

    private func atContainers(
        _ transport: TransportProtocol, _ interface: Link, _ bridge: Link, _ trial: inout Trial
    ) -> [AccessChange] {
        ports.ofContainers.filter { $0.transport == transport }.flatMap { address, _, stretches in
            stretches.map { stretch in
                let place = Place(
                    transport: transport, ports: stretch, isNamed: true, address: address, interface: interface,
                    bridge: bridge)
                return trial.change(.container, place) { family in
                    .direct(
                        family, transport, stretch.lowerBound, on: address, from: interface.example,
                        to: bridge.example)
                }
            }
        }
    }

    /// Whatever the host's stack forwards or takes itself, such a container's packets never come to it.
    private func wireChanges(_ trial: inout Trial) -> [AccessChange] {
        let parents = [before, after].flatMap(\.guardedDevices)
        let links = Set(parents).sorted().map { Link(example: $0, names: [$0]) }
        let bridge = Link(example: "", names: [])
        var found: [AccessChange] = []
        for transport in transports {
            for address in Set([before, after].flatMap(\.guardedAddresses)).sorted() {
                let named =
                    ports.onTheWire.first { $0.transport == transport && $0.address == address }?.stretches ?? []
                // What holds for one port that nobody names holds for all of them that take clients; none has the number 0.
                let other = ports.stretches.first { $0.upperBound > 0 && !named.contains($0) }
                for link in links {
                    for stretch in named + (other.map { [$0] } ?? []) {
                        let place = Place(
                            transport: transport, ports: stretch, isNamed: named.contains(stretch), address: address,
                            interface: link, bridge: bridge)
                        found.append(
                            trial.change(.wire, place) { _ in
                                .onTheWire(
                                    transport, max(stretch.lowerBound, 1), on: address, parent: link.example)
                            })
                    }
                }
            }
        }
        return Self.joined(found.filter { $0.before != $0.after }, \.interfaces, links)
    }

    private struct Place {
        var transport: TransportProtocol
        var ports: ClosedRange<UInt16>
        /// Whether a service names these ports, be it elsewhere.
        var isNamed: Bool
        var address: IPAddress?
        var interface: Link
        var bridge: Link
    }

    /// A change that is the same on both ways is one change at one door.
    private func changes(at place: Place, _ trial: inout Trial) -> [AccessChange] {
        let forwarded = trial.change(.published, place) { family in
            .forwarded(
                family, place.transport, place.ports.lowerBound, on: place.address, from: place.interface.example,
                to: place.bridge.example)
        }
        let delivered = trial.change(.machine, place) { family in
            .delivered(
                family, place.transport, place.ports.lowerBound, on: place.address, from: place.interface.example)
        }
        var alike = delivered
        alike.door.way = forwarded.door.way
        return alike == forwarded && forwarded.door.chain != nil ? [forwarded] : [forwarded, delivered]
    }

    /// What is the same through every interface and to every bridge is said once, and without them.
    ///
    /// Only interfaces that are alike to the same bridges go together: else each would be said of the others' bridges too.
    private static func joined(_ changes: [AccessChange], _ links: Links) -> [AccessChange] {
        joined(joined(changes, \.bridges, links.bridges), \.interfaces, links.outside)
    }

    private static func joined(
        _ changes: [AccessChange], _ names: WritableKeyPath<Door, [String]>, _ links: [Link]
    ) -> [AccessChange] {
        var order: [AccessChange] = []
        var found: [AccessChange: Set<String>] = [:]
        for change in changes {
            var key = change
            key.door[keyPath: names] = []
            if found[key] == nil { order.append(key) }
            found[key, default: []].formUnion(change.door[keyPath: names])
        }
        return order.map { key in
            var change = key
            let here = found[key] ?? []
            if here.count < links.flatMap(\.names).count { change.door[keyPath: names] = here.sorted() }
            return change
        }
    }

    private struct Trial {
        var before4: SourceTrial<UInt32>
        var before6: SourceTrial<UInt128>
        var after4: SourceTrial<UInt32>
        var after6: SourceTrial<UInt128>

        init(before: LinearRuleset, after: LinearRuleset) {
            before4 = SourceTrial(before)
            before6 = SourceTrial(before)
            after4 = SourceTrial(after)
            after6 = SourceTrial(after)
        }

        mutating func change(_ way: Door.Way, _ place: Place, approach: (AddressFamily) -> Approach) -> AccessChange {
            let none4 = Reach<UInt32>(allowed: .init(), chain: nil, notUnderstood: [])
            let none6 = Reach<UInt128>(allowed: .init(), chain: nil, notUnderstood: [])
            let is4 = place.address.map { $0.family == .ipv4 } ?? true
            let is6 = place.address.map { $0.family == .ipv6 } ?? true
            let old4 = is4 ? before4.reach(approach(.ipv4)) : none4
            let old6 = is6 ? before6.reach(approach(.ipv6)) : none6
            let new4 = is4 ? after4.reach(approach(.ipv4)) : none4
            let new6 = is6 ? after6.reach(approach(.ipv6)) : none6
            let chain = new4.chain ?? new6.chain ?? old4.chain ?? old6.chain
            return AccessChange(
                door: Door(
                    way: way, transport: place.transport, ports: place.isNamed ? place.ports : nil,
                    address: place.address.map { .one($0) } ?? .any, interfaces: place.interface.names,
                    bridges: place.bridge.names, chain: chain),
                before: AddressSet(v4: old4.allowed, v6: old6.allowed),
                after: AddressSet(v4: new4.allowed, v6: new6.allowed),
                notUnderstood: old4.notUnderstood.union(old6.notUnderstood))
        }
    }

    /// Ports of one service next to each other are one door, and so are all the ports that nobody covers.
    private static func merged(_ changes: [AccessChange]) -> [AccessChange] {
        var result: [AccessChange] = []
        for change in changes.sorted(by: { $0.door < $1.door }) {
            guard let last = result.last else {
                result.append(change)
                continue
            }
            var joined = change
            if let ports = change.door.ports, let before = last.door.ports,
                Int(before.upperBound) + 1 == Int(ports.lowerBound)
            {
                joined.door.ports = before
                if joined == last {
                    result[result.count - 1].door.ports = before.lowerBound...ports.upperBound
                    continue
                }
            }
            if change != last { result.append(change) }
        }
        return result
    }

    private var transports: [TransportProtocol] {
        TransportProtocol.allCases.filter { transport in
            transport != .sctp
                || [before, after].contains { ruleset in ruleset.sets.contains { $0.name.hasSuffix("-\(transport)") } }
        }
    }
}

extension LinearRuleset {
    /// Interfaces at whose ingress hook it has a chain.
    fileprivate var guardedDevices: [String] { chains.compactMap { $0.base?.hook.device } }

    /// Containers behind them.
    fileprivate var guardedAddresses: [IPAddress] {
        sets.filter { $0.name.hasPrefix("on-the-wire-") }.flatMap { set -> [IPAddress] in
            switch set.elements {
            case .ipv4(let set): set.ranges.flatMap(\.firstMembers).map { .v4(IPv4Address($0)) }
            case .ipv6(let set): set.ranges.flatMap(\.firstMembers).map { .v6(IPv6Address($0)) }
            case .keyed: []
            }
        }
    }
}

extension ClosedRange where Bound: AddressBits {
    /// As many as stand next to each other; whoever has put a whole network there has not the patience to read more.
    fileprivate var firstMembers: some Sequence<Bound> {
        sequence(first: lowerBound) { $0 < upperBound ? $0 + 1 : nil }.prefix(256)
    }
}

extension AddressSet {
    fileprivate func only(_ family: AddressFamily) -> Self {
        switch family {
        case .ipv4: Self(v4: v4)
        case .ipv6: Self(v6: v6)
        }
    }
}
