import Addressing
import Nftables

/// A table with all that the IR has, and the text that nft would load for it.
enum Everything {
    static func ruleset() throws -> Ruleset {
        let docker = try InterfaceName("docker0")
        let bridges = try InterfaceName("br-*")
        let loopback = try InterfaceName("lo")
        let office: UInt32 = 0xc633_6407
        return Ruleset(
            table: Table(name: "t", comment: "policy sha256:0123"),
            counters: [Counter(name: "django-allowed"), Counter(name: "django-refused")],
            limits: [
                Limit(name: "log-daily", rate: 1000, unit: .day, burst: 7),
                Limit(name: "log-rate", rate: 10, unit: .second),
            ],
            sets: [
                NamedSet(
                    name: "by-name", key: [.interfaceName], isInterval: false,
                    elements: .keyed([Element(key: [.interface(docker)])])),
                NamedSet(
                    name: "direct", key: [.ipv4Address, .inetProtocol, .inetService], isMap: true, isInterval: false,
                    elements: .keyed([
                        Element(
                            key: [.ipv4(0xac11_0002...0xac11_0002), .proto(6), .service(80...80)],
                            verdict: .goto("django"))
                    ])),
                NamedSet(
                    name: "hosts", key: [.ipv4Address], isInterval: false, elements: .ipv4(.init([office...office]))),
                NamedSet(
                    name: "internal", key: [.interfaceName],
                    elements: .keyed([
                        Element(key: [.interface(bridges)]), Element(key: [.interface(docker)]),
                        Element(key: [.interface(loopback)]),
                    ])),
                NamedSet(
                    name: "office-v4", key: [.ipv4Address],
                    elements: .ipv4(
                        .init([0xc000_0201...0xc000_0201, office...(office + 13), 0xcb00_7100...0xcb00_71ff]))),
                NamedSet(
                    name: "office-v6", key: [.ipv6Address],
                    elements: .ipv6(.init([0x2001_0db8_0010 << 80...(0x2001_0db8_0011 << 80) - 1]))),
                NamedSet(
                    name: "on-tcp-v4", key: [.ipv4Address, .inetService], isMap: true,
                    elements: .keyed([
                        Element(key: [.ipv4(0xc000_0201...0xc000_0201), .service(80...80)], verdict: .goto("django")),
                        Element(
                            key: [.ipv4(0xc000_0201...0xc000_0201), .service(7000...7010)], verdict: .jump("django")),
                    ])),
                NamedSet(
                    name: "on-v6", key: [.interfaceName, .ipv6Address, .inetProtocol, .inetService], isMap: true,
                    elements: .keyed([
                        Element(
                            key: [.interface(bridges), .ipv6(1...0xffff), .proto(17), .service(53...53)], verdict: .drop
                        )
                    ])),
                NamedSet(
                    name: "protocols", key: [.inetProtocol],
                    elements: .keyed([Element(key: [.proto(6)]), Element(key: [.proto(132)])])),
                NamedSet(
                    name: "published-tcp", key: [.inetService], isMap: true,
                    elements: .keyed([
                        Element(key: [.service(80...80)], verdict: .accept),
                        Element(key: [.service(81...81)], verdict: .drop),
                        Element(key: [.service(7000...7010)], verdict: .goto("django")),
                        Element(key: [.service(65000...65535)], verdict: .return),
                    ])),
                NamedSet(
                    name: "waiting", key: [.nfProto], isMap: true, isInterval: false, timesOut: true,
                    elements: .keyed([
                        Element(key: [.family(.ipv4)], verdict: .goto("django"), timeout: 90_000_000),
                        Element(key: [.family(.ipv6)], verdict: .accept),
                    ])),
            ],
            chains: [
                Chain(
                    name: "refuse",
                    rules: [
                        Rule([.match(.conntrack(.direction), .equals(.direction(.reply))), .verdict(.drop)]),
                        Rule([.match(.meta(.l4proto), .equals(.l4proto(.tcp))), .reject(.tcpReset)]),
                        Rule([.reject(.portUnreachable)]),
                    ]),
                Chain(
                    name: "django",
                    rules: [
                        Rule(
                            [
                                .match(.conntrack(.originalIPv4Source), .inSet("office-v4")),
                                .counter(name: "django-allowed"),
                                .verdict(.accept),
                            ], comment: "office of Zürich"),
                        Rule([.match(.conntrack(.originalIPv4Source), .notInSet("office-v4")), .verdict(.return)]),
                        Rule([.match(.conntrack(.originalIPv6Source), .inSet("office-v6")), .verdict(.accept)]),
                        Rule([.limit(name: "log-rate"), .log(prefix: "dockernft django: ", .nflog(group: 4))]),
                        Rule([.limit(name: "log-rate"), .log(prefix: "dockernft django: ", .kernel)]),
                        Rule([.counter(name: "django-refused"), .verdict(.goto("refuse"))]),
                    ]),
                Chain(
                    name: "published",
                    rules: [
                        Rule([
                            .match(.meta(.l4proto), .equals(.l4proto(.tcp))),
                            .verdictMap(
                                [.conntrack(.originalIPv4Destination), .conntrack(.originalServiceDestination)],
                                map: "on-tcp-v4"),
                        ]),
                        Rule([
                            .match(.meta(.l4proto), .equals(.l4proto(.tcp))),
                            .verdictMap([.conntrack(.originalServiceDestination)], map: "published-tcp"),
                        ]),
                        Rule([
                            .match(.conntrack(.state), .anyOf(.state([.invalid, .untracked]))),
                            .verdictMap([.header(.destinationPort(.tcp))], map: "published-tcp"),
                        ]),
                    ]),
                Chain(
                    name: "forward", base: BaseChain(hook: .forward, priority: -10, policy: .accept),
                    rules: [
                        Rule([
                            .match(.conntrack(.originalIPv4Destination), .prefix4(0x7f00_0000, length: 8)),
                            .verdict(.drop),
                        ]),
                        Rule([
                            .match(.meta(.iifname), .notInSet("internal")),
                            .match(.header(.tcpFlags), .flagsDiffer(from: .syn, mask: [.fin, .syn, .rst, .ack])),
                            .verdict(.jump("published")),
                        ]),
                        Rule([.match(.conntrack(.status), .anyOf(.status(.dnat))), .verdict(.jump("published"))]),
                        Rule([.verdictMap([.meta(.nfproto)], map: "waiting")]),
                    ]),
                Chain(
                    name: "ingress", base: BaseChain(hook: .ingress(device: "lo"), priority: -500, policy: .accept),
                    rules: [
                        Rule([.match(.header(.ip4Destination), .prefix4(0xc000_0205, length: 32)), .verdict(.drop)]),
                        Rule([
                            .match(.header(.ip6Destination), .prefix6(0x2001_0db8 << 96, length: 128)), .verdict(.drop),
                        ]),
                        Rule([.match(.header(.ip4Source), .prefix4(0xc000_0205, length: 32)), .verdict(.accept)]),
                    ]),
                Chain(
                    name: "input", base: BaseChain(hook: .input, priority: -10, policy: .drop),
                    rules: [
                        Rule([.match(.header(.icmpv6Type), .range(1, 4)), .verdict(.accept)]),
                        Rule([.match(.header(.ip6Source), .prefix6(0xfe80 << 112, length: 10)), .verdict(.accept)]),
                        Rule([
                            .match(.meta(.nfproto), .equals(.family(.ipv4))),
                            .match(.header(.sourcePort(.udp)), .equals(.port(67))), .verdict(.accept),
                        ]),
                    ]),
            ])
    }

    static let text = """
        table inet t {
            comment "policy sha256:0123"
            counter django-allowed { }
            counter django-refused { }
            limit log-daily { rate 1000/day burst 7 packets }
            limit log-rate { rate 10/second }
            chain refuse { }
            chain django { }
            chain published { }
            chain forward { type filter hook forward priority filter - 10; policy accept; }
            chain ingress { type filter hook ingress device "lo" priority -500; policy accept; }
            chain input { type filter hook input priority filter - 10; policy drop; }
            set by-name { type ifname; elements = { "docker0" } }
            map direct { type ipv4_addr . inet_proto . inet_service : verdict; elements = { 172.17.0.2 . tcp . 80 : goto django } }
            set hosts { type ipv4_addr; elements = { 198.51.100.7 } }
            set internal { type ifname; flags interval; elements = { "lo", "docker0", "br-*" } }
            set office-v4 { type ipv4_addr; flags interval; elements = { 203.0.113.0/24, 198.51.100.7-198.51.100.20, 192.0.2.1 } }
            set office-v6 { type ipv6_addr; flags interval; elements = { 2001:db8:10::/48 } }
            map on-tcp-v4 { type ipv4_addr . inet_service : verdict; flags interval;
                elements = { 192.0.2.1 . 80 : goto django, 192.0.2.1 . 7000-7010 : jump django } }
            map on-v6 { type ifname . ipv6_addr . inet_proto . inet_service : verdict; flags interval;
                elements = { "br-*" . ::1-::ffff . udp . 53 : drop } }
            set protocols { type inet_proto; flags interval; elements = { tcp, sctp } }
            map published-tcp { type inet_service : verdict; flags interval;
                elements = { 80 : accept, 81 : drop, 7000-7010 : goto django, 65000-65535 : return } }
            map waiting { type nf_proto : verdict; flags timeout;
                elements = { ipv4 timeout 25h : goto django, ipv6 : accept } }
            chain refuse {
                ct direction reply drop
                meta l4proto tcp reject with tcp reset
                reject
            }
            chain django {
                ct original ip saddr @office-v4 counter name "django-allowed" accept comment "office of Zürich"
                ct original ip saddr != @office-v4 return
                ct original ip6 saddr @office-v6 accept
                limit name "log-rate" log prefix "dockernft django: " group 4
                limit name "log-rate" log prefix "dockernft django: "
                counter name "django-refused" goto refuse
            }
            chain published {
                meta l4proto tcp ct original ip daddr . ct original proto-dst vmap @on-tcp-v4
                meta l4proto tcp ct original proto-dst vmap @published-tcp
                ct state invalid,untracked tcp dport vmap @published-tcp
            }
            chain forward {
                ct original ip daddr 127.0.0.0/8 drop
                iifname != @internal tcp flags & (fin | syn | rst | ack) != syn jump published
                ct status dnat jump published
                meta nfproto vmap @waiting
            }
            chain ingress {
                ip daddr 192.0.2.5 drop
                ip6 daddr 2001:db8:: drop
                ip saddr 192.0.2.5 accept
            }
            chain input {
                icmpv6 type 1-4 accept
                ip6 saddr fe80::/10 accept
                meta nfproto ipv4 udp sport 67 accept
            }
        }

        """
}
