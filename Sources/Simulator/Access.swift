public import Addressing
public import Nftables

/// Where a client may knock: a port, on one of the two ways in.
public struct Door: Hashable, Comparable, Sendable {
    public enum Way: Int, Hashable, Comparable, Sendable {
        /// A published port, whatever leads to the container.
        case published
        /// A port of the machine itself.
        case machine

        public static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
    }

    public var way: Way
    public var transport: TransportProtocol
    /// Nil stands for every port that no service covers.
    public var ports: ClosedRange<UInt16>?
    public var address: IPAddress?
    public var interface: String
    /// The chain of the services that cover it.
    public var chain: String?

    private var order: (Int, TransportProtocol, Int, String, String) {
        (
            way.rawValue, transport, ports.map { Int($0.lowerBound) } ?? Int.max, address?.description ?? "", interface
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

/// What a policy says about access, computed from the rules themselves.
public struct Access {
    /// From outside, by which interfaces; a name that no rule has stands for all the others.
    public var interfaces: [String]
    /// An interface that leads to containers.
    public var bridge: String

    public init(interfaces: [String], bridge: String) {
        self.interfaces = interfaces
        self.bridge = bridge
    }

    /// The doors at which the two rulesets let different clients in. Without a ruleset, everyone comes in everywhere.
    public func changes(from before: LinearRuleset?, to after: LinearRuleset?) -> [AccessChange] {
        let before = before ?? LinearRuleset(table: Table(name: ""))
        let after = after ?? LinearRuleset(table: Table(name: ""))
        var trial = Trial(before: before, after: after)
        let stretches = Self.stretches(of: [before, after])
        let addresses = Self.addresses(of: [before, after])
        var found: [AccessChange] = []
        for transport in Self.transports(of: [before, after]) {
            for interface in interfaces {
                for ports in stretches {
                    let anywhere = Place(transport: transport, ports: ports, address: nil, interface: interface)
                    let changes = changes(at: anywhere, &trial)
                    found += changes.filter { $0.before != $0.after }
                    for address in addresses {
                        let place = Place(transport: transport, ports: ports, address: address, interface: interface)
                        let here = self.changes(at: place, &trial)
                        // Said already, unless this address is treated in another way than the others.
                        if !here.elementsEqual(changes, by: { $0.isSame(as: $1, on: address) }) {
                            found += here.filter { $0.before != $0.after }
                        }
                    }
                }
            }
        }
        return Self.merged(found)
    }

    private struct Place {
        var transport: TransportProtocol
        var ports: ClosedRange<UInt16>
        var address: IPAddress?
        var interface: String
    }

    /// A change that is the same on both ways is one change at one door.
    private func changes(at place: Place, _ trial: inout Trial) -> [AccessChange] {
        let forwarded = trial.change(.published, place) { family in
            .forwarded(
                family, place.transport, place.ports.lowerBound, on: place.address, from: place.interface, to: bridge)
        }
        let delivered = trial.change(.machine, place) { family in
            .delivered(family, place.transport, place.ports.lowerBound, on: place.address, from: place.interface)
        }
        var alike = delivered
        alike.door.way = forwarded.door.way
        return alike == forwarded && forwarded.door.chain != nil ? [forwarded] : [forwarded, delivered]
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
                    way: way, transport: place.transport, ports: chain == nil ? nil : place.ports,
                    address: place.address, interface: place.interface, chain: chain),
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

    // MARK: What the rules tell apart

    private static func transports(of rulesets: [LinearRuleset]) -> [TransportProtocol] {
        TransportProtocol.allCases.filter { transport in
            transport != .sctp
                || rulesets.contains { ruleset in ruleset.sets.contains { $0.name.hasSuffix("-\(transport)") } }
        }
    }

    private static func stretches(of rulesets: [LinearRuleset]) -> [ClosedRange<UInt16>] {
        var starts: Set<Int> = [0]
        for element in elements(of: rulesets) {
            for case .service(let ports) in element.key {
                starts.insert(Int(ports.lowerBound))
                starts.insert(Int(ports.upperBound) + 1)
            }
        }
        let sorted = starts.filter { $0 <= 65535 }.sorted()
        return sorted.indices.map { index in
            let end = index + 1 < sorted.count ? sorted[index + 1] - 1 : 65535
            return UInt16(sorted[index])...UInt16(end)
        }
    }

    /// Host addresses that rules name.
    private static func addresses(of rulesets: [LinearRuleset]) -> [IPAddress] {
        var named: Set<IPAddress> = []
        for element in elements(of: rulesets) {
            for field in element.key {
                switch field {
                case .ipv4(let range): named.insert(.v4(IPv4Address(range.lowerBound)))
                case .ipv6(let range): named.insert(.v6(IPv6Address(range.lowerBound)))
                case .service, .proto, .interface: break
                }
            }
        }
        return named.sorted()
    }

    private static func elements(of rulesets: [LinearRuleset]) -> [Element] {
        rulesets.flatMap(\.sets).flatMap { set -> [Element] in
            if case .keyed(let elements) = set.elements { elements } else { [] }
        }
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
