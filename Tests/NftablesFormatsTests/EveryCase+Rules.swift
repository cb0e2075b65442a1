import Addressing
import Nftables

extension EveryCase {
    /// Every statement, and every key with every relation that nft can spell for it.
    static var rules: [Rule] {
        matches.map { Rule($0) } + maps.map { Rule($0) } + compilerRules + endings
    }

    static let onTCP: Statement = .match(.meta(.l4proto), .equals(.l4proto(.tcp)))

    static var keys: [Key] {
        MetaKey.allCases.map { .meta($0) } + ConntrackKey.allCases.map { .conntrack($0) }
            + ([.tcpFlags, .ip4Source, .ip4Destination, .ip6Source, .ip6Destination, .icmpType, .icmpv6Type]
            as [HeaderField]).map { .header($0) }
            + TransportProtocol.allCases.flatMap { [.header(.sourcePort($0)), .header(.destinationPort($0))] }
    }

    /// What can be asked of a key.
    static func relations(of key: Key) -> [Relation] {
        switch key {
        // nft wants the group to be there: DockerTests asks it.
        case .socket: []
        case .meta(.nfproto):
            AddressFamily.allCases.flatMap { [.equals(.family($0)), .notEquals(.family($0))] }
        case .meta(.l4proto):
            L4Protocol.allCases.flatMap { [.equals(.l4proto($0)), .notEquals(.l4proto($0))] }
                + [.inSet("protocols"), .notInSet("protocols"), .range(1, 7)]
        case .meta(.iifname), .meta(.oifname):
            ["interfaces", "wildcards", "interfaces-empty"].flatMap { [.inSet($0), .notInSet($0)] }
        case .conntrack(.state): states.map { .anyOf(.state($0)) }
        case .conntrack(.status): statuses.map { .anyOf(.status($0)) }
        case .conntrack(.direction):
            ([.original, .reply] as [Direction]).flatMap { [.equals(.direction($0)), .notEquals(.direction($0))] }
        case .conntrack(.originalIPv4Source), .conntrack(.originalIPv4Destination), .header(.ip4Source),
            .header(.ip4Destination):
            ["v4", "v4-all", "v4-empty", "v4-hash", "group-10.0.0.0/20-v4"].flatMap { [.inSet($0), .notInSet($0)] }
                + [0, 1, 7, 8, 9, 16, 24, 31, 32].map(prefix4)
        case .conntrack(.originalIPv6Source), .conntrack(.originalIPv6Destination), .header(.ip6Source),
            .header(.ip6Destination):
            ["v6", "v6-all", "v6-empty"].flatMap { [.inSet($0), .notInSet($0)] }
                + [0, 1, 10, 32, 33, 64, 127, 128].map(prefix6)
        case .conntrack(.originalServiceDestination), .header(.sourcePort), .header(.destinationPort):
            [.equals(.port(80)), .notEquals(.port(65535)), .inSet("ports"), .notInSet("ports")]
        case .header(.tcpFlags):
            [
                .flagsDiffer(from: .syn, mask: [.fin, .syn, .rst, .ack]), .flagsDiffer(from: .syn, mask: .syn),
                .flagsDiffer(from: [], mask: [.syn, .ack]),
                .flagsDiffer(from: [.psh, .urg], mask: [.fin, .syn, .rst, .psh, .ack, .urg]),
                .flagsDiffer(from: [.syn, .ack], mask: [.syn, .ack]), .equals(.number(2)), .equals(.number(0x12)),
                .notEquals(.number(2)), .notEquals(.number(0x12)),
            ]
        case .header(.icmpType), .header(.icmpv6Type):
            (UInt8.min...UInt8.max).map { .equals(.number($0)) }
                + [.notEquals(.number(8)), .range(0, 3), .range(133, 200), .range(0, 255)]
        }
    }

    static let states: [ConntrackFlags.State] = [
        .invalid, .established, .related, .new, .untracked, [.established, .related], [.invalid, .untracked],
        [.invalid, .established, .related, .new, .untracked],
    ]

    static let statuses: [ConntrackFlags.Status] = [.snat, .dnat, [.snat, .dnat]]

    private static func prefix4(_ length: Int) -> Relation {
        let mask: UInt32 = length == 0 ? 0 : UInt32.max << (32 - length)
        return .prefix4(0xac1f_ffff & mask, length: length)
    }

    private static func prefix6(_ length: Int) -> Relation {
        let mask: UInt128 = length == 0 ? 0 : UInt128.max << (128 - length)
        let address: UInt128 = 0xfe80 << 112 | 0xffff
        return .prefix6(address & mask, length: length)
    }

    static var matches: [[Statement]] {
        keys.flatMap { key in
            relations(of: key).map { relation in
                // nft knows what a `proto-dst` is only of a protocol.
                key == .conntrack(.originalServiceDestination)
                    ? [onTCP, .match(key, relation)] : [.match(key, relation)]
            }
        }
    }

    static var maps: [[Statement]] {
        [
            [.verdictMap([.header(.destinationPort(.tcp))], map: "on-ports")],
            [.verdictMap([.header(.sourcePort(.udp))], map: "on-nothing")],
            [onTCP, .verdictMap([.conntrack(.originalServiceDestination)], map: "on-ports")],
            [.verdictMap([.conntrack(.originalIPv4Destination)], map: "on-v4")],
            [.verdictMap([.meta(.iifname)], map: "on-interfaces")],
            [
                onTCP,
                .verdictMap(
                    [.conntrack(.originalIPv4Destination), .conntrack(.originalServiceDestination)], map: "on-v4-port"),
            ],
            [
                onTCP,
                .verdictMap(
                    [.conntrack(.originalIPv6Destination), .conntrack(.originalServiceDestination)], map: "on-v6-port"),
            ],
            [.verdictMap([.header(.ip6Source), .header(.destinationPort(.sctp))], map: "on-v6-port")],
            [.verdictMap([.meta(.l4proto), .header(.destinationPort(.tcp))], map: "on-protocol-port")],
            [.verdictMap([.meta(.oifname), .header(.destinationPort(.udp))], map: "on-interface-port")],
        ]
    }

    static var endings: [Rule] {
        let verdicts: [Verdict] = [
            .accept, .drop, .return, .jump("x"), .goto("a-b.c_d"), .jump("Z/9"), .goto(longName),
        ]
        return verdicts.map { Rule([.verdict($0)]) } + [
            Rule([.reject(.portUnreachable)]),
            Rule([onTCP, .reject(.tcpReset)]),
            Rule([.log(prefix: "dockernft x refused: ", .nflog(group: 4))]),
            Rule([.log(prefix: "all", .nflog(group: 65535))]),
            Rule([.log(prefix: String(repeating: "p", count: 127), .kernel)]),
            Rule([.counter(name: "refused")]),
            Rule([.counter(name: longName)]),
            Rule([.counter(name: "group-10.0.0.0/20.x")]),
            Rule([.verdict(.drop)], comment: "a \"quoted\"\nline, {braces} $x ; # \\ é"),
            Rule([.verdict(.drop)], comment: String(repeating: "é", count: 70)),
            Rule([.verdict(.drop)], comment: ""),
        ] + Limit.Unit.allCases.map { Rule([.limit(name: "limit-\($0)"), .verdict(.drop)]) }
    }

    /// The shapes of the compiler's own rules.
    static var compilerRules: [Rule] {
        let new: Statement = .match(.conntrack(.state), .anyOf(.state(.new)))
        let reply: Statement = .match(.conntrack(.direction), .equals(.direction(.reply)))
        return [
            Rule([
                .match(.conntrack(.originalIPv4Source), .notInSet("v4")),
                .match(.conntrack(.originalIPv4Source), .inSet("v4-all")), .counter(name: "refused"), .verdict(.accept),
            ]),
            Rule([
                .limit(name: "limit-minute"), .log(prefix: "dockernft refused: ", .nflog(group: 4)),
                .counter(name: "refused"), .verdict(.goto("x")),
            ]),
            Rule([
                .match(.meta(.l4proto), .equals(.l4proto(.udp))), reply,
                .match(.conntrack(.status), .anyOf(.status(.dnat))), .match(.meta(.oifname), .notInSet("wildcards")),
                .verdict(.jump("x")),
            ]),
            Rule([
                .match(.meta(.iifname), .inSet("wildcards")), .match(.meta(.oifname), .notInSet("wildcards")), new,
                .match(.header(.tcpFlags), .flagsDiffer(from: .syn, mask: [.fin, .syn, .rst, .ack])), .verdict(.drop),
            ]),
            Rule([
                .match(.conntrack(.state), .anyOf(.state([.invalid, .untracked]))),
                .verdictMap([.header(.destinationPort(.tcp))], map: "on-ports"),
            ]),
            Rule([
                .match(.meta(.nfproto), .equals(.family(.ipv4))),
                .match(.header(.sourcePort(.udp)), .equals(.port(67))),
                .match(.header(.destinationPort(.udp)), .equals(.port(68))), .verdict(.accept),
            ]),
            Rule([
                .match(.header(.ip6Source), .prefix6(0xfe80 << 112, length: 10)),
                .match(.header(.sourcePort(.udp)), .equals(.port(547))),
                .match(.header(.destinationPort(.udp)), .equals(.port(546))), .verdict(.accept),
            ]),
        ]
    }

    /// Rules that nft loads as they are meant, but lists in other words.
    static var listedOtherwise: [Rule] {
        let source: Statement = .match(.header(.sourcePort(.udp)), .equals(.port(67)))
        let destination: Statement = .match(.header(.destinationPort(.udp)), .equals(.port(68)))
        let ipv4: Statement = .match(.meta(.nfproto), .equals(.family(.ipv4)))
        let icmp: Statement = .match(.meta(.l4proto), .equals(.l4proto(.icmp)))
        let echo: Statement = .match(.header(.icmpType), .equals(.number(8)))
        return [
            [source, ipv4, destination], [destination, ipv4, source], [destination, source],
            [source, .match(.header(.ip6Source), .prefix6(0xfe80 << 112, length: 10)), destination],
            [source, .match(.header(.destinationPort(.udp)), .notEquals(.port(68)))],
            [onTCP, .match(.header(.destinationPort(.tcp)), .equals(.port(80)))], [icmp, echo], [ipv4, echo],
            [ipv4, icmp, echo], [ipv4, .reject(.portUnreachable)], [echo, .reject(.portUnreachable)],
            [.match(.header(.ip6Source), .inSet("v6")), .reject(.portUnreachable)],
            [.match(.header(.tcpFlags), .flagsDiffer(from: .ack, mask: .syn))],
        ].map { Rule($0) }
    }
}
