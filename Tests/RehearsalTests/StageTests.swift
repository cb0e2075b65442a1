import Addressing
import Rehearsal
import TestSupport
import Testing

@Suite(.serialized, .requires(.root)) struct `A stage without rules` {
    @Test func `containers and the host answer, each for itself, and where nobody listens the kernel refuses`() throws {
        try Stage(.sample).expect(try AddressFamily.allCases.flatMap(Sample.shots))
    }

    @Test func `an answer goes out by the interface by which the question came`() throws {
        let stage = try Stage(.sample)
        // In IPv4 and IPv6, and each by itself, so that only one of the ways is looked at.
        for family in AddressFamily.allCases {
            for way in ["ext0", "ext1", "ext0"] {
                let shot = Shot(
                    .tcp, from: try Sample.client(family), to: try Sample.host(family), port: 8080, by: .interface(way))
                #expect(try stage.fates(of: [shot]) == [.answered(by: .host)], "\(shot)")
            }
        }
    }

    @Test func `five thousand at once get five thousand answers, in their order`() throws {
        let stage = try Stage(.sample)
        var shots: [(shot: Shot, fate: Fate)] = []
        for number in UInt32(0)..<5000 {
            let source = IPAddress.v4(IPv4Address(0x0a00_0000 + number * 257))
            let isOpen = number % 3 != 0
            shots.append(
                (
                    Shot(
                        number % 2 == 0 ? .tcp : .udp, from: source, to: try Sample.host(.ipv4),
                        port: isOpen ? 8080 : 8081, by: .interface(number % 5 == 0 ? "ext1" : "ext0")),
                    isOpen ? .answered(by: .host) : .refused
                ))
        }
        var told: [Int] = []
        let fates = try stage.fates(of: shots.map(\.shot)) { told.append($0) }
        #expect(fates == shots.map(\.fate))
        #expect(told.last == 5000 && told == told.sorted())
    }
}

@Suite(.serialized, .requires(.root, .nft)) struct `A stage with rules` {
    @Test func `what rules drop is silent, what they reject is refused, and DNAT leads to the container`() throws {
        let stage = try Stage(.sample)
        try stage.load(
            """
            table inet guard {
                chain forward {
                    type filter hook forward priority 0; policy accept;
                    meta l4proto tcp tcp dport 80 ct original proto-dst 9001 drop
                    meta l4proto udp udp dport 80 ct original proto-dst 9001 reject
                    ip saddr 203.0.113.77 icmp type echo-request drop
                    ip6 saddr 2001:db8:cafe::77 icmpv6 type echo-request reject
                }
                chain input {
                    type filter hook input priority 0; policy accept;
                    tcp dport 8080 reject with tcp reset
                    udp dport 8080 drop
                }
            }
            """ + Sample.translation(of: "9000-9001"))
        for family in AddressFamily.allCases {
            let (client, host) = (try Sample.client(family), try Sample.host(family))
            let shot = { (kind: Shot.Kind, target: IPAddress, port: UInt16) in
                Shot(kind, from: client, to: target, port: port, by: .interface("ext1"))
            }
            try stage.expect([
                (shot(.tcp, host, 9000), .answered(by: .container(0))),
                (shot(.udp, host, 9000), .answered(by: .container(0))),
                (shot(.strayAck, host, 9000), .answered(by: .container(0))),
                (shot(.tcp, host, 9001), .silent), (shot(.udp, host, 9001), .refused),
                (shot(.tcp, host, 8080), .refused), (shot(.udp, host, 8080), .silent),
                (shot(.ping, try Sample.container(1, family), 0), family == .ipv4 ? .silent : .refused),
            ])
        }
    }

    @Test func `a container on the wire is met at the ingress hook and nowhere else`() throws {
        let stage = try Stage(.sample)
        try stage.load(
            """
            table inet guard {
                chain forward { type filter hook forward priority 0; policy drop; }
                chain input { type filter hook input priority 0; policy drop; }
                chain ingress {
                    type filter hook ingress device "ext1" priority 0; policy accept;
                    tcp dport 81 drop
                }
            }
            """)
        for family in AddressFamily.allCases {
            let shot = { (kind: Shot.Kind, port: UInt16, way: String) in
                Shot(
                    kind, from: try Sample.client(family), to: try Sample.onTheWire(family), port: port,
                    by: .interface(way))
            }
            let inside = Fate.answered(by: .container(2))
            try stage.expect([
                (try shot(.tcp, 80, "ext1"), inside), (try shot(.udp, 80, "ext1"), inside),
                (try shot(.ping, 0, "ext1"), inside), (try shot(.tcp, 81, "ext1"), .silent),
                (try shot(.udp, 81, "ext1"), inside), (try shot(.tcp, 80, "ext0"), .silent),
                (
                    Shot(
                        .tcp, from: try Sample.onTheWire(family), to: try Sample.client(family), port: 443,
                        by: .container(2)), .answered(by: .outside)
                ),
            ])
        }
    }

    @Test func `what the host itself sends is judged on its way out, and its answers on their way in`() throws {
        let stage = try Stage(.sample)
        try stage.load(
            """
            table inet guard {
                chain output {
                    type filter hook output priority 0; policy accept;
                    tcp dport 81 drop
                    tcp dport 82 reject with tcp reset
                    udp dport 82 reject
                }
                chain input {
                    type filter hook input priority 0; policy accept;
                    tcp sport 83 drop
                }
            }
            """)
        for family in AddressFamily.allCases {
            let (host, container) = (try Sample.host(family), try Sample.container(1, family))
            let shot = { (kind: Shot.Kind, target: IPAddress, port: UInt16) in
                Shot(kind, from: host, to: target, port: port, by: .host)
            }
            let inside = Fate.answered(by: .container(1))
            try stage.expect([
                (shot(.tcp, container, 80), inside), (shot(.udp, container, 80), inside),
                (shot(.ping, container, 0), inside),
                (shot(.tcp, try Sample.client(family), 80), .answered(by: .outside)),
                (shot(.tcp, container, 81), .silent), (shot(.tcp, container, 82), .refused),
                (shot(.udp, container, 82), .refused), (shot(.tcp, container, 83), .silent),
                (shot(.tcp, host, 8080), .answered(by: .host)),
            ])
        }
    }
}

@Suite(.requires(.root)) struct `Sources of packets` {
    @Test func `those that a kernel takes from outside are told from those that it does not`() throws {
        let stage = try Stage(.sample)
        let possible = [
            "0.255.255.255": false, "1.0.0.0": true, "126.255.255.255": true, "127.0.0.1": false,
            "128.0.0.0": true, "192.0.2.1": false, "192.0.2.0": true, "192.0.2.2": true, "198.51.100.1": false,
            "198.51.100.7": false,
            "172.27.255.255": true, "172.28.0.0": false, "172.28.255.255": false, "172.29.0.0": true,
            "223.255.255.255": true, "224.0.0.0": false, "239.255.255.255": false,
            "240.0.0.0": true, "255.255.255.254": true, "255.255.255.255": false, "::": false, "::1": false,
            "::2": true, "::ffff:203.0.113.7": false, "2001:db8:1::1": false, "2001:db8:1::2": true,
            "2001:db8:7::9": false, "2001:db8:6:ffff::": true, "fe7f::": true, "fe80::7": false, "febf::": false,
            "fec0::": true, "feff::": true, "ff00::": false,
        ]
        for (text, isPossible) in possible {
            #expect(stage.canSend(from: try Sample.address(text)) == isPossible, "\(text)")
        }
        // And the kernel agrees.
        let sources = try possible.filter(\.value).map { try Sample.address($0.key) }
        try stage.expect(
            try sources.map { source in
                let host = try Sample.host(source.family)
                return (Shot(.tcp, from: source, to: host, port: 8080, by: .interface("ext0")), .answered(by: .host))
            })
    }
}

extension Stage {
    func expect(_ shots: [(shot: Shot, fate: Fate)]) throws {
        let fates = try fates(of: shots.map(\.shot))
        for ((shot, expected), fate) in zip(shots, fates) { #expect(fate == expected, "\(shot)") }
    }

    func load(_ rules: String) throws {
        _ = try onHost { Result { try Program(["nft", "-f", "-"], input: rules).run().orThrow() } }.get()
    }
}

enum Sample {
    /// As Docker's, to the container.
    static func translation(of ports: String) -> String {
        [("ip", "172.28.0.2"), ("ip6", "[2001:db8:7::2]")].map { family, address in
            """

            table \(family) published {
                chain prerouting {
                    type nat hook prerouting priority dstnat; policy accept;
                    fib daddr type local tcp dport \(ports) dnat to \(address):80
                    fib daddr type local udp dport \(ports) dnat to \(address):80
                }
            }
            """
        }.joined()
    }

    static func address(_ text: String) throws -> IPAddress { try #require(IPAddress(text)) }

    static func client(_ family: AddressFamily) throws -> IPAddress {
        try address(family == .ipv4 ? "203.0.113.77" : "2001:db8:cafe::77")
    }

    static func host(_ family: AddressFamily) throws -> IPAddress {
        try address(family == .ipv4 ? "192.0.2.1" : "2001:db8:1::1")
    }

    static func onTheWire(_ family: AddressFamily) throws -> IPAddress {
        try address(family == .ipv4 ? "198.51.100.7" : "2001:db8:2::7")
    }

    static func container(_ index: Int, _ family: AddressFamily) throws -> IPAddress {
        try address(family == .ipv4 ? "172.28.0.\(index + 2)" : "2001:db8:7::\(index + 2)")
    }

    static func shots(_ family: AddressFamily) throws -> [(shot: Shot, fate: Fate)] {
        let (client, host, container) = (try client(family), try host(family), try container(1, family))
        var shots: [(shot: Shot, fate: Fate)] = []
        for way in ["ext0", "ext1"] {
            for kind in [Shot.Kind.tcp, .udp, .ping, .strayAck, .sctp] {
                shots.append(
                    (
                        Shot(kind, from: client, to: container, port: 80, by: .interface(way)),
                        .answered(by: .container(1))
                    ))
            }
            for kind in [Shot.Kind.tcp, .udp, .ping] {
                shots.append(
                    (Shot(kind, from: client, to: host, port: 8080, by: .interface(way)), .answered(by: .host)))
            }
            for kind in [Shot.Kind.tcp, .udp, .strayAck] {
                shots.append((Shot(kind, from: client, to: host, port: 8081, by: .interface(way)), .refused))
            }
        }
        shots.append(
            (Shot(.tcp, from: container, to: client, port: 443, by: .container(1)), .answered(by: .outside)))
        shots.append((Shot(.udp, from: container, to: client, port: 53, by: .container(1)), .answered(by: .outside)))
        let other = try Self.container(0, family)
        shots.append(
            (Shot(.tcp, from: container, to: other, port: 80, by: .container(1)), .answered(by: .container(0))))
        return shots
    }
}

extension StageSetting {
    static var sample: Self {
        get throws {
            try Self(
                interfaces: [
                    Interface("ext0", [Sample.address("192.0.2.1"), Sample.address("2001:db8:1::1")]),
                    Interface("ext1", [Sample.address("198.51.100.1"), Sample.address("2001:db8:2::1")]),
                ],
                bridges: [
                    Bridge(
                        "docker0",
                        [
                            .init(gateway: Sample.address("172.28.0.1"), prefixLength: 16),
                            .init(gateway: Sample.address("2001:db8:7::1"), prefixLength: 64),
                        ])
                ],
                containers: [
                    Container(on: "docker0", [Sample.address("172.28.0.2"), Sample.address("2001:db8:7::2")]),
                    Container(on: "docker0", [Sample.address("172.28.0.3"), Sample.address("2001:db8:7::3")]),
                    Container(on: "ext1", [Sample.onTheWire(.ipv4), Sample.onTheWire(.ipv6)]),
                ],
                listeners: [PortRange(.tcp, 8080...8080), PortRange(.udp, 8080...8080)])
        }
    }
}
