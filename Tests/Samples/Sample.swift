internal import Addressing
public import Nftables

/// A table of the shape that the compiler makes, written out: one group, three services, forwarded and host traffic.
public enum Sample {
    public static let ruleset = Ruleset(
        table: Table(name: "dockernft", comment: "sample"),
        counters: ["django-allowed", "django-refused", "unlisted", "not-syn"].map { Counter(name: $0) },
        limits: [Limit(name: "refused", rate: 10, unit: .second)],
        sets: sets,
        chains: bases + [published, fromOutside, hostRules, django, open, refuse])

    static let office = IntervalSet<UInt32>([
        0xcb00_7100...0xcb00_71ff, 0xc633_6407...0xc633_6414, 0xc000_0263...0xc000_0263,
    ])
    static let office6 = IntervalSet<UInt128>([0x2001_0db8_0010 << 80...(0x2001_0db8_0010 << 80 | UInt128.max >> 48)])

    static var sets: [NamedSet] {
        let containers = ["docker0", "br-*"].compactMap { try? InterfaceName($0) }
        let internals = ["lo", "docker0", "br-*"].compactMap { try? InterfaceName($0) }
        let site = ["eth0", "wg*"].compactMap { try? InterfaceName($0) }
        func interfaces(_ name: String, _ members: [InterfaceName]) -> NamedSet {
            NamedSet(
                name: name, key: [.interfaceName],
                elements: .keyed(members.sorted().map { Element(key: [.interface($0)]) }))
        }
        return [
            interfaces("internal", internals), interfaces("containers", containers),
            interfaces("interfaces-site", site),
            NamedSet(name: "group-office-v4", key: [.ipv4Address], elements: .ipv4(office)),
            NamedSet(name: "group-office-v6", key: [.ipv6Address], elements: .ipv6(office6)),
            NamedSet(
                name: "except-office-v4", key: [.ipv4Address],
                elements: .ipv4(.init([0xcb00_7142...0xcb00_7143]))),
            NamedSet(
                name: "on-tcp-v4", key: [.ipv4Address, .inetService], isMap: true,
                elements: .keyed([
                    Element(
                        key: [.ipv4(0xc000_0201...0xc000_0201), .service(8443...8443)], verdict: .goto("service-open")),
                    Element(
                        key: [.ipv4(0xc000_0201...0xc000_0201), .service(7000...7010)], verdict: .goto("service-django")
                    ),
                ])),
            NamedSet(
                name: "published-tcp", key: [.inetService], isMap: true,
                elements: .keyed([
                    Element(key: [.service(80...80)], verdict: .goto("service-open")),
                    Element(key: [.service(8081...8081)], verdict: .goto("service-django")),
                ])),
            NamedSet(
                name: "published-udp", key: [.inetService], isMap: true,
                elements: .keyed([Element(key: [.service(53...53)], verdict: .goto("service-django"))])),
        ]
    }

    static var bases: [Chain] {
        [
            Chain(
                name: "forward", base: BaseChain(hook: .forward, priority: -10, policy: .accept),
                rules: [
                    Rule([
                        l4proto(.udp), reply, dnat, .match(.meta(.oifname), .notInSet("internal")),
                        .verdict(.jump("published")),
                    ]),
                    Rule([reply, state([.established, .related]), .verdict(.accept)]),
                    Rule([l4proto(.icmp), state(.related), .verdict(.accept)]),
                    Rule([l4proto(.icmpv6), state(.related), .verdict(.accept)]),
                    Rule([
                        .match(.meta(.iifname), .inSet("containers")), .match(.meta(.oifname), .notInSet("containers")),
                        state(.new),
                        .match(.header(.tcpFlags), .flagsDiffer(from: .syn, mask: [.fin, .syn, .rst, .ack])),
                        .counter(name: "not-syn"), .verdict(.drop),
                    ]),
                    Rule([.match(.meta(.iifname), .notInSet("internal")), .verdict(.jump("from-outside"))]),
                ]),
            Chain(
                name: "input", base: BaseChain(hook: .input, priority: -10, policy: .accept),
                rules: [
                    Rule([reply, state([.established, .related]), .verdict(.accept)]),
                    Rule([.match(.meta(.iifname), .notInSet("internal")), .verdict(.jump("published"))]),
                    Rule([.match(.meta(.iifname), .notInSet("internal")), .verdict(.jump("host"))]),
                ]),
        ]
    }

    static var published: Chain {
        let dialled = Key.conntrack(.originalIPv4Destination)
        let port = Key.conntrack(.originalServiceDestination)
        return Chain(
            name: "published",
            rules: [
                Rule([l4proto(.tcp), .verdictMap([dialled, port], map: "on-tcp-v4")]),
                Rule([l4proto(.tcp), .verdictMap([port], map: "published-tcp")]),
                Rule([l4proto(.udp), .verdictMap([port], map: "published-udp")]),
                Rule([
                    state([.invalid, .untracked]), .verdictMap([.header(.destinationPort(.tcp))], map: "published-tcp"),
                ]),
            ])
    }

    static var fromOutside: Chain {
        Chain(
            name: "from-outside",
            rules: [
                Rule(
                    [.match(.conntrack(.originalIPv4Destination), .prefix4(0x7f00_0000, length: 8)), .verdict(.drop)],
                    comment: "nobody outside dials the loopback"),
                Rule([dnat, .verdict(.jump("published"))]),
                Rule([
                    .match(.meta(.oifname), .inSet("containers")), .counter(name: "unlisted"),
                    .verdict(.goto("refuse")),
                ]),
            ])
    }

    static var hostRules: Chain {
        Chain(
            name: "host",
            rules: [
                Rule([.match(.header(.icmpType), .equals(.number(8))), .verdict(.accept)]),
                Rule([.match(.header(.icmpv6Type), .range(133, 137)), .verdict(.accept)]),
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
            ])
    }

    static var django: Chain {
        Chain(
            name: "service-django",
            rules: [
                Rule(
                    [
                        .match(.meta(.iifname), .inSet("interfaces-site")),
                        .match(.conntrack(.originalIPv4Source), .notInSet("except-office-v4")),
                        .match(.conntrack(.originalIPv4Source), .inSet("group-office-v4")),
                        .counter(name: "django-allowed"), .verdict(.accept),
                    ], comment: "office"),
                Rule([
                    .match(.conntrack(.originalIPv6Source), .inSet("group-office-v6")),
                    .counter(name: "django-allowed"), .verdict(.accept),
                ]),
                Rule([.limit(name: "refused"), .log(prefix: "dockernft django refused: ", .nflog(group: 4))]),
                Rule([.counter(name: "django-refused"), .verdict(.goto("refuse"))]),
            ])
    }

    static var open: Chain { Chain(name: "service-open", rules: [Rule([.verdict(.accept)])]) }

    static var refuse: Chain {
        Chain(
            name: "refuse",
            rules: [
                Rule([reply, .verdict(.drop)]), Rule([l4proto(.tcp), .reject(.tcpReset)]),
                Rule([.reject(.portUnreachable)]),
            ])
    }

    static let reply: Statement = .match(.conntrack(.direction), .equals(.direction(.reply)))
    static let dnat: Statement = .match(.conntrack(.status), .anyOf(.status(.dnat)))
    static func l4proto(_ l4proto: L4Protocol) -> Statement { .match(.meta(.l4proto), .equals(.l4proto(l4proto))) }
    static func state(_ state: ConntrackFlags.State) -> Statement { .match(.conntrack(.state), .anyOf(.state(state))) }
}
