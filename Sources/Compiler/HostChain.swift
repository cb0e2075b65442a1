internal import Addressing
internal import Nftables
internal import Policy

/// What may reach the machine's own processes, and what a machine needs to stay on its network.
struct HostChain {
    static let name = "host"

    private(set) var maps: [NamedSet] = []
    private(set) var lookups: [Rule] = []
    private var untrackedLookups: [Rule] = []
    private(set) var guarded: [TransportProtocol: [ClosedRange<UInt16>]] = [:]
    private(set) var rules: [Rule] = []
    private(set) var counters: [String] = []

    /// `elsewhere` is what becomes of ports that published services name, yet not on this address or through this interface: it
    /// comes behind the host's own services and before all else.
    init(_ host: Host, log: Log, elsewhere: [Rule], chains: inout ServiceChains) {
        addMaps(host, &chains)
        rules = lookups + untrackedLookups
        let pings = host.services.filter { $0.opening == .echoRequest }
        if let first = pings.first {
            let verdict = Statement.verdict(chains.verdict(for: pings))
            let origin = Origin(first.span)
            rules.append(
                Rule([.match(.header(.icmpType), .equals(.number(ICMPType.echoRequest))), verdict], origin: origin))
            rules.append(
                Rule([.match(.header(.icmpv6Type), .equals(.number(ICMPv6Type.echoRequest))), verdict], origin: origin))
        }
        rules += elsewhere
        switch host.otherwise {
        case .accept: break
        case .drop: closeTheRest(host, log)
        }
    }

    private mutating func addMaps(_ host: Host, _ chains: inout ServiceChains) {
        for transport in TransportProtocol.allCases {
            var ranges: [(ports: ClosedRange<UInt16>, owner: Int)] = []
            for index in host.services.indices {
                guard case .ports(let ports) = host.services[index].opening else { continue }
                for range in ports where range.transport == transport { ranges.append((range.ports, index)) }
            }
            var elements: [Element] = []
            for stretch in PortMap(ranges).stretches {
                let covering = stretch.owners.map { host.services[$0] }
                if !covering.contains(where: { $0.allow == .anyone && $0.except.isNobody }) {
                    guarded[transport, default: []].append(stretch.ports)
                }
                elements.append(Element(key: [.service(stretch.ports)], verdict: chains.verdict(for: covering)))
            }
            guard !elements.isEmpty else { continue }
            let map = "host-\(transport)"
            maps.append(NamedSet(name: map, key: [.inetService], isMap: true, elements: .keyed(elements)))
            lookups.append(
                Rule([
                    .match(.meta(.l4proto), .equals(.l4proto(L4Protocol(transport)))),
                    .verdictMap([.conntrack(.originalServiceDestination)], map: map),
                ]))
            untrackedLookups.append(Rule([.isUntracked, .untrackedLookup(transport, map: map)]))
        }
    }

    private mutating func closeTheRest(_ host: Host, _ log: Log) {
        let origin = Origin(host.span)
        rules += Self.essentials
        if log.refused { rules.append(log.rule("host", when: [], origin: origin)) }
        counters = [NftName.refused(Self.name)]
        rules.append(
            Rule(
                [.counter(name: NftName.refused(Self.name)), .verdict(.drop)], comment: "host: otherwise: drop",
                origin: origin))
    }

    /// RFC 792 and RFC 4443 errors, RFC 4861 neighbour discovery with the MLD (RFC 2710, 3810) that switches steer it by, IGMP
    /// (RFC 3376), which is IPv4's MLD, and replies of DHCP (RFC 2131) and DHCPv6 (RFC 8415) servers, which answer from another address than was asked.
    private static let essentials: [Rule] = [
        icmp(ICMPType.destinationUnreachable, "ICMP errors"),
        icmp(ICMPType.timeExceeded, "ICMP errors"),
        icmp(ICMPType.parameterProblem, "ICMP errors"),
        icmpv6(ICMPv6Type.destinationUnreachable, ICMPv6Type.parameterProblem, "ICMPv6 errors"),
        icmpv6(ICMPv6Type.multicastListenerQuery, ICMPv6Type.neighbourRedirect, "IPv6 neighbour discovery"),
        icmpv6(ICMPv6Type.multicastListenerReport2, ICMPv6Type.multicastListenerReport2, "IPv6 neighbour discovery"),
        Rule(
            [.match(.meta(.l4proto), .equals(.l4proto(.igmp))), .verdict(.accept)], comment: "multicast memberships"),
        Rule(
            [
                .match(.meta(.nfproto), .equals(.family(.ipv4))),
                .match(.header(.sourcePort(.udp)), .equals(.port(67))),
                .match(.header(.destinationPort(.udp)), .equals(.port(68))), .verdict(.accept),
            ], comment: "DHCP replies"),
        Rule(
            [
                .match(.header(.ip6Source), .prefix6(0xfe80 << 112, length: 10)),
                .match(.header(.sourcePort(.udp)), .equals(.port(547))),
                .match(.header(.destinationPort(.udp)), .equals(.port(546))), .verdict(.accept),
            ], comment: "DHCPv6 replies"),
    ]

    private static func icmp(_ type: UInt8, _ comment: String) -> Rule {
        Rule([.match(.header(.icmpType), .equals(.number(type))), .verdict(.accept)], comment: comment)
    }

    private static func icmpv6(_ low: UInt8, _ high: UInt8, _ comment: String) -> Rule {
        let relation: Relation = low == high ? .equals(.number(low)) : .range(low, high)
        return Rule([.match(.header(.icmpv6Type), relation), .verdict(.accept)], comment: comment)
    }
}

/// IANA "ICMP Type Numbers".
private enum ICMPType {
    static let destinationUnreachable: UInt8 = 3
    static let echoRequest: UInt8 = 8
    static let timeExceeded: UInt8 = 11
    static let parameterProblem: UInt8 = 12
}

/// IANA "ICMPv6 Parameters". 130 to 132 are MLD's, 133 to 137 neighbour discovery's.
private enum ICMPv6Type {
    static let destinationUnreachable: UInt8 = 1
    static let parameterProblem: UInt8 = 4
    static let echoRequest: UInt8 = 128
    static let multicastListenerQuery: UInt8 = 130
    static let neighbourRedirect: UInt8 = 137
    static let multicastListenerReport2: UInt8 = 143
}
