internal import Addressing
internal import Nftables
internal import Policy

/// The verdict maps from what a client dialled to the chain that judges it, and the rules that look it up.
///
/// A service covers a port when it names it, or names any, on this host address, or on any. Each key is led to the chain of all
/// the services that cover it.
struct PublishedPorts {
    private(set) var maps: [NamedSet] = []
    /// Look-ups by the port that the client dialled, for both hooks.
    private(set) var lookups: [Rule] = []
    /// What services that publish any port do with one that none names.
    private(set) var anyPort: [Rule] = []
    /// The same by the packet's own port, for one that conntrack does not follow.
    private(set) var untrackedLookups: [Rule] = []
    /// Ports that not everyone may reach.
    private(set) var guarded: [TransportProtocol: [ClosedRange<UInt16>]] = [:]
    /// Ports that services name, yet not on every address or through every interface.
    private(set) var limited: [TransportProtocol: [ClosedRange<UInt16>]] = [:]

    /// Whether one of them may leave a client to what follows: it is reached through other interfaces.
    var anyPortComesBack: Bool { services.contains { $0.publish == .any && !$0.interfaces.isEmpty } }

    private let services: [Service]
    private let addresses: [IPAddress]

    init(_ policy: ResolvedPolicy, chains: inout ServiceChains) {
        services = policy.services
        addresses = Set(policy.services.flatMap { $0.on + $0.hostPorts.compactMap(\.address) }).sorted()
        for transport in TransportProtocol.allCases { addMaps(transport, &chains) }
        addAnyPort(&chains)
    }

    private func indices(_ isCovering: (Service) -> Bool) -> [Int] {
        services.indices.filter { isCovering(services[$0]) }
    }

    private mutating func addMaps(_ transport: TransportProtocol, _ chains: inout ServiceChains) {
        let any = indices { $0.publish == .any }
        let anywhereAny = any.filter { services[$0].on.isEmpty }
        /// Ranges of services on any address; those of limited ones are there too, owned by nobody.
        var plain: [(ports: ClosedRange<UInt16>, owner: Int)] = []
        var bound: [IPAddress: [(ports: ClosedRange<UInt16>, owner: Int)]] = [:]
        for index in services.indices {
            for port in services[index].hostPorts where port.range.transport == transport {
                guard let address = port.address else {
                    plain.append((port.range.ports, index))
                    continue
                }
                bound[address, default: []].append((port.range.ports, index))
                if services[index].isLimited { plain.append((port.range.ports, Self.nobody)) }
            }
        }
        var elements4: [Element] = []
        var elements6: [Element] = []
        for address in addresses {
            let anyHere = any.filter { services[$0].on.contains(address) }
            let own = bound[address] ?? []
            guard !own.isEmpty || !anyHere.isEmpty else { continue }
            // A service may have ports on this address and on any: in the second part it is another owner.
            let others = plain.filter { range in
                range.owner != Self.nobody
                    && (!anyHere.isEmpty || own.contains { $0.ports.overlaps(range.ports) })
            }.map { (ports: $0.ports, owner: $0.owner + services.count) }
            for stretch in PortMap(own + others).stretches {
                let isOwn = stretch.owners.contains { $0 < services.count }
                guard isOwn || !anyHere.isEmpty else { continue }
                let covering = stretch.owners.map { $0 % services.count } + anyHere + anywhereAny
                let verdict = verdict(covering, stretch.ports, transport, &chains)
                switch address {
                case .v4(let address):
                    let key: [KeyField] = [.ipv4(address.bits...address.bits), .service(stretch.ports)]
                    elements4.append(Element(key: key, verdict: verdict))
                case .v6(let address):
                    let key: [KeyField] = [.ipv6(address.bits...address.bits), .service(stretch.ports)]
                    elements6.append(Element(key: key, verdict: verdict))
                }
            }
        }
        let elements = PortMap(plain).stretches.compactMap { stretch -> Element? in
            let covering = stretch.owners.filter { $0 != Self.nobody } + anywhereAny
            if covering.allSatisfy({ !services[$0].interfaces.isEmpty }) {
                limited[transport, default: []].append(stretch.ports)
                guarded[transport, default: []].append(stretch.ports)
            }
            guard !covering.isEmpty else { return nil }
            return Element(
                key: [.service(stretch.ports)], verdict: verdict(covering, stretch.ports, transport, &chains))
        }
        addMap("published-on-\(transport)-v4", [.ipv4Address, .inetService], elements4, transport)
        addMap("published-on-\(transport)-v6", [.ipv6Address, .inetService], elements6, transport)
        addMap("published-\(transport)", [.inetService], elements, transport)
    }

    private static let nobody = -1

    private mutating func verdict(
        _ owners: [Int], _ ports: ClosedRange<UInt16>, _ transport: TransportProtocol, _ chains: inout ServiceChains
    ) -> Verdict {
        let covering = Set(owners).sorted().map { services[$0] }
        if !covering.contains(where: { $0.allow == .anyone && $0.except.isNobody }) {
            guarded[transport, default: []].append(ports)
        }
        return chains.verdict(for: covering)
    }

    private mutating func addMap(
        _ name: String, _ key: [DataType], _ elements: [Element], _ transport: TransportProtocol
    ) {
        guard !elements.isEmpty else { return }
        maps.append(NamedSet(name: name, key: key, isMap: true, elements: .keyed(elements)))
        lookups.append(
            Rule([
                .match(.meta(.l4proto), .equals(.l4proto(L4Protocol(transport)))),
                .verdictMap(key.map(\.dialled), map: name),
            ]))
        guard key == [.inetService] else { return }
        untrackedLookups.append(Rule([.untrackedLookup(transport, map: name)]))
    }

    private mutating func addAnyPort(_ chains: inout ServiceChains) {
        let everywhere = services.filter { $0.publish == .any && $0.on.isEmpty }
        var elements4: [Element] = []
        var elements6: [Element] = []
        for address in addresses {
            let here = services.filter { $0.publish == .any && $0.on.contains(address) }
            guard !here.isEmpty else { continue }
            let covering = services.filter { $0.publish == .any && ($0.on.isEmpty || $0.on.contains(address)) }
            let verdict = chains.verdict(for: covering)
            switch address {
            case .v4(let address):
                elements4.append(Element(key: [.ipv4(address.bits...address.bits)], verdict: verdict))
            case .v6(let address):
                elements6.append(Element(key: [.ipv6(address.bits...address.bits)], verdict: verdict))
            }
        }
        for (name, type, elements) in [
            ("published-any-v4", DataType.ipv4Address, elements4), ("published-any-v6", .ipv6Address, elements6),
        ] where !elements.isEmpty {
            maps.append(NamedSet(name: name, key: [type], isMap: true, elements: .keyed(elements)))
            anyPort.append(Rule([.verdictMap([type.dialled], map: name)]))
        }
        if !everywhere.isEmpty {
            anyPort.append(
                Rule(
                    [.verdict(chains.verdict(for: everywhere))],
                    comment: "any published port", origin: everywhere.first.map { Origin($0.span) }))
        }
    }
}

extension Service {
    /// Whether the policy says where its ports count. Where only Docker says on which address they are, the same ports of other
    /// addresses are not spoken of: a process of the host may have them.
    var isLimited: Bool { !on.isEmpty || !interfaces.isEmpty }
}

extension Statement {
    /// A packet that conntrack was told not to follow has been through no NAT: its own port is the one that was dialled. Its source
    /// is in no entry, so that only who lets everyone in lets it in.
    static func untrackedLookup(_ transport: TransportProtocol, map: String) -> Self {
        .verdictMap([.header(.destinationPort(transport))], map: map)
    }

    static let isUntracked = Self.match(.conntrack(.state), .anyOf(.state(.untracked)))
}

extension DataType {
    /// Where what the client dialled is found for a key of this type.
    var dialled: Key {
        switch self {
        case .ipv4Address: .conntrack(.originalIPv4Destination)
        case .ipv6Address: .conntrack(.originalIPv6Destination)
        case .inetService: .conntrack(.originalServiceDestination)
        case .nfProto: .meta(.nfproto)
        case .inetProtocol: .meta(.l4proto)
        case .interfaceName: .meta(.iifname)
        }
    }
}
