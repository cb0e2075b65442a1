internal import Addressing
internal import Nftables

/// The ports, cut wherever a rule of one of the rulesets begins or ends to treat them in another way.
struct PortStretches {
    let stretches: [ClosedRange<UInt16>]
    /// Those that services name, be it on one address only.
    let named: [TransportProtocol: Set<ClosedRange<UInt16>>]
    /// Host addresses that rules name, with the stretches that they may treat in a way of their own.
    let ofAddresses: [(address: IPAddress, stretches: [ClosedRange<UInt16>])]
    /// Addresses of containers that rules name, with the stretches that may be reached there.
    let ofContainers: [(address: IPAddress, transport: TransportProtocol, stretches: [ClosedRange<UInt16>])]
    /// The same of containers on the wire.
    let onTheWire: [(address: IPAddress, transport: TransportProtocol, stretches: [ClosedRange<UInt16>])]

    init(_ rulesets: [LinearRuleset]) {
        let elements = Self.elements(of: rulesets) { _ in true }
        var starts: Set<Int> = [0]
        var bound: [IPAddress: [ClosedRange<UInt16>]] = [:]
        var anyPort: Set<IPAddress> = []
        let direct = Self.elements(of: rulesets, inMaps: "direct-")
        let wire = Self.elements(of: rulesets, inMaps: "wire-")
        let ofDirect = Set((direct + wire).flatMap(\.elements))
        for element in elements {
            let ports = element.key.compactMap(\.ports).first
            if let ports {
                starts.insert(Int(ports.lowerBound))
                starts.insert(Int(ports.upperBound) + 1)
            }
            guard let address = element.key.compactMap(\.address).first, !ofDirect.contains(element) else { continue }
            if let ports { bound[address, default: []].append(ports) } else { anyPort.insert(address) }
        }
        let sorted = starts.filter { $0 <= Int(UInt16.max) }.sorted()
        let cut = sorted.indices.map { index in
            UInt16(sorted[index])...UInt16(index + 1 < sorted.count ? sorted[index + 1] - 1 : Int(UInt16.max))
        }
        stretches = cut
        var named: [TransportProtocol: Set<ClosedRange<UInt16>>] = [:]
        for transport in TransportProtocol.allCases {
            // The compiler's limited- sets hold ports that services name, yet not everywhere; docker- sets, what Docker publishes.
            let naming = Self.elements(of: rulesets) { set in
                (set.isMap && !set.name.hasPrefix("wire-") || set.name.hasPrefix("limited-")
                    || set.name.hasPrefix("docker-"))
                    && set.name.split(separator: "-").contains("\(transport)")
            }
            for ports in naming.compactMap({ $0.key.compactMap(\.ports).first }) {
                named[transport, default: []].formUnion(Self.part(of: cut, in: ports))
            }
        }
        self.named = named
        // What holds for one port that nobody names holds for all of them.
        let other = cut.first { stretch in !named.values.contains { $0.contains(stretch) } }
        ofAddresses = Set(bound.keys).union(anyPort).sorted().map { address in
            var own = (bound[address] ?? []).flatMap { Self.part(of: cut, in: $0) }
            if anyPort.contains(address), let other { own.append(other) }
            return (address, Set(own).sorted { $0.lowerBound < $1.lowerBound })
        }
        ofContainers = Self.stretches(direct, cut)
        onTheWire = Self.stretches(wire, cut)
    }

    private typealias TransportElements = (transport: TransportProtocol, elements: [Element])

    private static func elements(of rulesets: [LinearRuleset], inMaps prefix: String) -> [TransportElements] {
        TransportProtocol.allCases.map { transport in
            (transport, elements(of: rulesets) { $0.name.hasPrefix("\(prefix)\(transport)") })
        }
    }

    private static func stretches(
        _ maps: [TransportElements], _ cut: [ClosedRange<UInt16>]
    ) -> [(address: IPAddress, transport: TransportProtocol, stretches: [ClosedRange<UInt16>])] {
        maps.flatMap { transport, elements in
            stretches(at: elements, cut).map { ($0.address, transport, $0.stretches) }
        }
    }

    /// By address, in order.
    private static func stretches(
        at elements: [Element], _ cut: [ClosedRange<UInt16>]
    ) -> [(address: IPAddress, stretches: [ClosedRange<UInt16>])] {
        var found: [IPAddress: Set<ClosedRange<UInt16>>] = [:]
        for element in elements {
            guard let address = element.key.compactMap(\.address).first,
                let ports = element.key.compactMap(\.ports).first
            else { continue }
            found[address, default: []].formUnion(part(of: cut, in: ports))
        }
        return found.sorted { $0.key < $1.key }.map { ($0.key, $0.value.sorted { $0.lowerBound < $1.lowerBound }) }
    }

    private static func elements(of rulesets: [LinearRuleset], in isMeant: (NamedSet) -> Bool) -> [Element] {
        rulesets.flatMap(\.sets).filter(isMeant).flatMap { set -> [Element] in
            if case .keyed(let elements) = set.elements { elements } else { [] }
        }
    }

    /// The stretches that are together a range: it begins and ends where some of them do.
    private static func part(
        of stretches: [ClosedRange<UInt16>], in range: ClosedRange<UInt16>
    ) -> ArraySlice<ClosedRange<UInt16>> {
        var low = 0
        var high = stretches.count
        while low < high {
            let middle = (low + high) / 2
            if stretches[middle].lowerBound < range.lowerBound { low = middle + 1 } else { high = middle }
        }
        return stretches[low...].prefix { $0.lowerBound <= range.upperBound }
    }
}

extension KeyField {
    var ports: ClosedRange<UInt16>? {
        if case .service(let ports) = self { ports } else { nil }
    }

    var address: IPAddress? {
        switch self {
        case .ipv4(let range): .v4(IPv4Address(range.lowerBound))
        case .ipv6(let range): .v6(IPv6Address(range.lowerBound))
        case .family, .service, .proto, .interface: nil
        }
    }
}
