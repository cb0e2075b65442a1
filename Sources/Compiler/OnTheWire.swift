internal import Addressing
internal import Docker
internal import Nftables
internal import Policy

/// Containers on macvlan and ipvlan networks: their packets leave the host's stack where they come in, so that a chain at the
/// ingress hook of the interface that they share is the only one to see them.
///
/// Conntrack has not been there. A port that a service names is judged packet by packet, so that a client who is no longer allowed
/// is cut off; elsewhere only what opens a connection is refused, for all else may be an answer to the container.
struct OnTheWire {
    private(set) var sets: [NamedSet] = []
    private(set) var chains: [Chain] = []
    private(set) var counters: [String] = []

    /// Before everything else that may be at the hook, such as a flowtable's (0).
    private static let priority: Int32 = -500

    private static let name = "on-the-wire"
    private static let unlistedName = "unlisted-on-the-wire"

    private let policy: ResolvedPolicy

    init(_ policy: ResolvedPolicy, chains services: inout ServiceChains) {
        self.policy = policy
        let wire = Wire(policy)
        guard !wire.parents.isEmpty, !wire.addresses.isEmpty else { return }
        let addresses = wire.addresses.sorted()
        addGuarded(addresses)
        let lookups = addMaps(wire.addresses, &services)
        chains = wire.parents.sorted().map(ingress)
        chains.append(Chain(name: Self.name, rules: lookups + unnamed))
        chains.append(unlisted)
        counters = [NftName.refused(Self.unlistedName)]
        if policy.unlisted == .accept { counters = [NftName.allowed(Self.unlistedName)] }
    }

    // MARK: Sets

    private static let guarded4 = "on-the-wire-v4"
    private static let guarded6 = "on-the-wire-v6"

    private mutating func addGuarded(_ addresses: [IPAddress]) {
        var v4: [ClosedRange<UInt32>] = []
        var v6: [ClosedRange<UInt128>] = []
        for address in addresses {
            switch address {
            case .v4(let address): v4.append(address.bits...address.bits)
            case .v6(let address): v6.append(address.bits...address.bits)
            }
        }
        if !v4.isEmpty { sets.append(NamedSet(name: Self.guarded4, key: [.ipv4Address], elements: .ipv4(.init(v4)))) }
        if !v6.isEmpty { sets.append(NamedSet(name: Self.guarded6, key: [.ipv6Address], elements: .ipv6(.init(v6)))) }
    }

    /// A map a protocol and family, from a container's address and port to the chain of all services that cover it.
    private mutating func addMaps(_ addresses: Set<IPAddress>, _ services: inout ServiceChains) -> [Rule] {
        var lookups: [Rule] = []
        for transport in TransportProtocol.allCases {
            var ranges: [IPAddress: [(ports: ClosedRange<UInt16>, owner: Int)]] = [:]
            for (index, service) in policy.services.enumerated() {
                for direct in service.direct
                where direct.range.transport == transport && addresses.contains(direct.address) {
                    ranges[direct.address, default: []].append((direct.range.ports, index))
                }
            }
            for family in AddressFamily.allCases {
                var elements: [Element] = []
                for address in ranges.keys.sorted() where address.family == family {
                    for stretch in PortMap(ranges[address] ?? []).stretches {
                        elements.append(
                            Element(
                                key: [KeyField(address), .service(stretch.ports)],
                                verdict: services.wireVerdict(
                                    for: stretch.owners.map { policy.services[$0] }, otherwise: Self.unlistedName)))
                    }
                }
                guard !elements.isEmpty else { continue }
                let map = "wire-\(transport)-\(family == .ipv4 ? "v4" : "v6")"
                let address: HeaderField = family == .ipv4 ? .ip4Destination : .ip6Destination
                let type: DataType = family == .ipv4 ? .ipv4Address : .ipv6Address
                sets.append(
                    NamedSet(name: map, key: [type, .inetService], isMap: true, elements: .keyed(elements)))
                lookups.append(
                    Rule([.verdictMap([.header(address), .header(.destinationPort(transport))], map: map)]))
            }
        }
        return lookups
    }

    // MARK: Chains

    private func ingress(_ parent: InterfaceName) -> Chain {
        let device = parent.stem
        let guarded: [(field: HeaderField, set: String)] = [
            (.ip4Destination, Self.guarded4), (.ip6Destination, Self.guarded6),
        ]
        return Chain(
            name: NftName.ingress(device),
            base: BaseChain(hook: .ingress(device: device), priority: Self.priority, policy: .accept),
            rules: guarded.filter { pair in sets.contains { $0.name == pair.set } }.map { field, set in
                Rule([.match(.header(field), .inSet(set)), .verdict(.goto(Self.name))])
            })
    }

    /// Ports that no service names. A fragment but the first has no header and is of no use without it, so that it may pass; a
    /// first one whose header is cut short is never taken for an answer.
    private var unnamed: [Rule] {
        let refuse = Statement.verdict(.goto(Self.unlistedName))
        if policy.unlisted == .accept { return [Rule([refuse])] }
        let opensNothing = Statement.match(
            .header(.tcpFlags), .flagsDiffer(from: .syn, mask: [.fin, .syn, .rst, .ack]))
        var rules = [
            Rule([opensNothing, .verdict(.accept)], comment: "a segment that opens no connection"),
            Rule([.match(.header(.destinationPort(.tcp)), .notEquals(.port(0))), refuse]),
        ]
        for transport in [TransportProtocol.udp, .sctp] {
            rules.append(
                Rule(
                    [.match(.header(.destinationPort(transport)), .inSet("server-ports")), refuse],
                    comment: "other ports take answers to the container"))
        }
        let harmless: [L4Protocol] = [.tcp, .udp, .sctp, .icmp, .icmpv6, .igmp]
        rules += harmless.map { Rule([.match(.meta(.l4proto), .equals(.l4proto($0))), .verdict(.accept)]) }
        return rules + [Rule([refuse], comment: "protocols without ports")]
    }

    /// Nothing can be answered from here: what other paths reject is dropped.
    private var unlisted: Chain {
        let name = Self.unlistedName
        if policy.unlisted == .accept {
            return Chain(
                name: name, rules: [Rule([.counter(name: NftName.allowed(name)), .verdict(.accept)])])
        }
        let log = policy.log.refused ? [policy.log.rule("unlisted", when: [], origin: nil)] : []
        return Chain(
            name: name, rules: log + [Rule([.counter(name: NftName.refused(name)), .verdict(.drop)])])
    }
}

/// What of the inventory is on the wire of an interface that leads outside.
private struct Wire {
    private(set) var parents: Set<InterfaceName> = []
    private(set) var addresses: Set<IPAddress> = []

    init(_ policy: ResolvedPolicy) {
        var networks: Set<String> = []
        for network in policy.inventory.networksOnTheWire {
            guard let parent = network.parent, policy.interfaces.isExternal(parent.stem),
                !policy.absentParents.contains(parent)
            else { continue }
            networks.insert(network.id)
            parents.insert(parent)
        }
        for container in policy.inventory.containers {
            for attachment in container.attachments where networks.contains(attachment.network) {
                addresses.formUnion(attachment.addresses)
            }
        }
    }
}

extension Network.Driver {
    var isOnTheWire: Bool {
        switch self {
        case .macvlan, .ipvlan: true
        case .bridge, .host, .none, .overlay, .other: false
        }
    }
}

extension Interfaces {
    func isExternal(_ name: String) -> Bool {
        switch external {
        case .auto: !containers.contains { $0.matches(name) } && name != "lo"
        case .listed(let names): names.contains { $0.matches(name) }
        }
    }
}

extension KeyField {
    fileprivate init(_ address: IPAddress) {
        switch address {
        case .v4(let address): self = .ipv4(address.bits...address.bits)
        case .v6(let address): self = .ipv6(address.bits...address.bits)
        }
    }
}

extension Rule {
    /// The same rule by the packet's own addresses; `nil` where it speaks of a reply, which cannot be told there.
    var onTheWire: Rule? {
        var rule = self
        for index in statements.indices {
            switch statements[index] {
            case .match(.conntrack(.originalIPv4Source), let relation):
                rule.statements[index] = .match(.header(.ip4Source), relation)
            case .match(.conntrack(.originalIPv6Source), let relation):
                rule.statements[index] = .match(.header(.ip6Source), relation)
            case .match(.conntrack(.direction), _): return nil
            case .verdict(.goto(RejectChain.name)): rule.statements[index] = .verdict(.drop)
            case .match, .verdictMap, .counter, .limit, .log, .reject, .verdict: break
            }
        }
        return rule
    }
}
