import TestSupport
import Testing

@Suite(.serialized, .requiresPackets) struct `A Docker host without our firewall` {
    static let containers = [
        Container("django", publish: ["8081:80", "8081:80/udp"], listening: ["9000"]),
        Container("two", publish: ["8088:80", "8089:80"]),
        Container("pinned", publish: ["192.0.2.1:8082:80"]),
        Container("loopback", publish: ["127.0.0.1:8084:80"]),
        Container("shop", on: .user, publish: ["8086:80"]),
        Container("both", on: .dual, publish: ["8061:80", "8061:80/udp"], listening: ["9000"]),
        Container("pinned6", on: .dual, publish: ["[2001:db8:1::1]:8062:80"]),
    ]

    @Test(arguments: DockerEngine.allCases)
    func `every published port answers, by the path that the engine takes`(engine: DockerEngine) throws {
        let both: Outcome = .answered(by: engine.translatesIPv6 ? "both" : "proxy:both")
        let direct: Outcome = engine.closesDirectRoutes ? .silent : .answered(by: "django")
        let direct6: Outcome = engine.closesDirectRoutes ? .silent : .answered(by: "both")
        let probes = [
            Probe(from: "203.0.113.7", to: "192.0.2.1:8081", expect: .answered(by: "django")),
            Probe(.udp, from: "203.0.113.7", to: "192.0.2.1:8081", expect: .answered(by: "django")),
            Probe(from: "192.0.2.66", to: "198.51.100.1:8081", expect: .answered(by: "django")),
            Probe(from: "192.0.2.130", to: "172.17.0.1:8081", expect: .answered(by: "django")),
            Probe(from: "198.51.100.10", to: "192.0.2.1:8081", at: .otherClient, expect: .answered(by: "django")),
            Probe(from: "2001:db8:10::7", to: "[2001:db8:1::1]:8081", expect: .answered(by: "proxy:django")),
            Probe(.udp, from: "2001:db8:10::7", to: "[2001:db8:1::1]:8081", expect: .answered(by: "proxy:django")),
            Probe(from: "203.0.113.7", to: "192.0.2.1:8088", expect: .answered(by: "two")),
            Probe(from: "203.0.113.7", to: "192.0.2.1:8089", expect: .answered(by: "two")),
            Probe(from: "203.0.113.7", to: "192.0.2.1:8082", expect: .answered(by: "pinned")),
            Probe(from: "203.0.113.7", to: "198.51.100.1:8082", expect: .refused),
            Probe(from: "203.0.113.7", to: "192.0.2.1:8084", expect: .refused),
            Probe(from: "203.0.113.7", to: "192.0.2.1:8086", expect: .answered(by: "shop")),
            Probe(from: "203.0.113.7", to: "192.0.2.1:8061", expect: .answered(by: "both")),
            Probe(from: "2001:db8:10::7", to: "[2001:db8:1::1]:8061", expect: both),
            Probe(.udp, from: "2001:db8:10::7", to: "[2001:db8:1::1]:8061", expect: both),
            Probe(from: "2001:db8:20::7", to: "[2001:db8:2::1]:8061", at: .otherClient, expect: both),
            Probe(from: "fe80::10%eth0", to: "fe80::1%eth0", port: 8061, expect: .answered(by: "proxy:both")),
            Probe(
                from: "2001:db8:10::7", to: "[2001:db8:1::1]:8062",
                expect: .answered(by: engine.translatesIPv6 ? "pinned6" : "proxy:pinned6")),
            Probe(from: "203.0.113.7", to: "172.17.0.2:80", expect: direct),
            Probe(from: "203.0.113.7", to: "172.17.0.2:9000", expect: .silent),
            Probe(from: "2001:db8:10::7", to: "[2001:db8:6::2]:80", expect: direct6),
            Probe(from: "2001:db8:10::7", to: "[2001:db8:6::2]:9000", expect: direct6),
            Probe(.udp, from: "203.0.113.7", to: "192.0.2.1:9999", expect: .refused),
            Probe(.ping, from: "203.0.113.7", to: "192.0.2.1", expect: .answered(by: "echo")),
            Probe(.ping, from: "2001:db8:10::7", to: "2001:db8:1::1", expect: .answered(by: "echo")),
            Probe(.ping, from: "203.0.113.7", to: "172.17.0.2", expect: .silent),
        ]
        try DockerHost.with(engine, Self.containers) { host in
            try host.expect(probes)
            if engine.hasDockerUser { try host.run("iptables", "-L", "DOCKER-USER").orThrow() }
        }
    }

    /// Docker 28's gateway modes.
    @Test(arguments: [DockerEngine.iptables28, .nftables29])
    func `routed, unprotected and internal networks are reached as they are on the engine`(engine: DockerEngine) throws
    {
        let containers = [
            Container("routed", on: .routed, publish: ["8071:80"], listening: ["9000"]),
            Container("open", on: .unprotected, publish: ["8072:80"], listening: ["9000"]),
            Container("inner", on: .isolated, publish: ["8073:80"]),
            Container("shop", publish: ["8081:80"]),
        ]
        try DockerHost.with(engine, containers) { host in
            try host.serve("internet", at: .otherClient, on: 8081)
            try host.serve("hostapp", at: .host, on: 8090)
            try host.expect([
                Probe(from: "203.0.113.7", to: "172.28.0.2:80", expect: .answered(by: "routed")),
                Probe(from: "203.0.113.7", to: "172.28.0.2:9000", expect: .silent),
                Probe(.ping, from: "203.0.113.7", to: "172.28.0.2", expect: .answered(by: "echo")),
                Probe(from: "2001:db8:10::7", to: "[2001:db8:7::2]:80", expect: .answered(by: "routed")),
                Probe(from: "2001:db8:10::7", to: "[2001:db8:7::2]:9000", expect: .silent),
                Probe(from: "203.0.113.7", to: "192.0.2.1:8071", expect: .refused),
                Probe(from: "203.0.113.7", to: "172.27.0.2:9000", expect: .answered(by: "open")),
                Probe(from: "2001:db8:10::7", to: "[2001:db8:8::2]:9000", expect: .answered(by: "open")),
                Probe(from: "203.0.113.7", to: "192.0.2.1:8072", expect: .answered(by: "open")),
                Probe(from: "2001:db8:10::7", to: "[2001:db8:1::1]:8072", expect: .answered(by: "open")),
                Probe(from: "203.0.113.7", to: "172.29.0.2:80", expect: .silent),
                Probe(from: "203.0.113.7", to: "192.0.2.1:8073", expect: .refused),
                // What does not come from outside.
                Probe(
                    from: "172.17.0.2", to: "198.51.100.140:8081", at: .container("shop"),
                    expect: .answered(by: "internet")),
                Probe(
                    from: "172.17.0.2", to: "172.17.0.1:8090", at: .container("shop"), expect: .answered(by: "hostapp")),
                Probe(from: "127.0.0.1", to: "127.0.0.1:8081", at: .host, expect: .answered(by: "proxy:shop")),
                Probe(from: "::1", to: "[::1]:8081", at: .host, expect: .answered(by: "proxy:shop")),
                Probe(from: "192.0.2.1", to: "192.0.2.1:8081", at: .host, expect: .answered(by: "shop")),
                Probe(from: "203.0.113.7", to: "192.0.2.1:8090", expect: .answered(by: "hostapp")),
            ])
        }
    }

    @Test func `hundreds of probes at once are all answered`() throws {
        try DockerHost.with(.iptables28, Self.containers) { host in
            try host.expect(
                (0..<300).map {
                    Probe(
                        $0 % 2 == 0 ? .tcp : .udp, from: "203.0.113.\($0 % 250 + 1)", to: "192.0.2.1:8081",
                        expect: .answered(by: "django"))
                })
        }
    }

    @Test func `what is dropped is silent, what is rejected is refused`() throws {
        try DockerHost.with(.iptables28, Self.containers) { host in
            try host.load(
                """
                table inet test {
                    chain forward {
                        type filter hook forward priority filter - 10;
                        iifname ext0 ip saddr 203.0.113.66 drop
                        iifname ext0 ip saddr 203.0.113.67 reject with icmp type admin-prohibited
                    }
                }
                """)
            try host.expect([
                Probe(from: "203.0.113.66", to: "192.0.2.1:8081", expect: .silent),
                Probe(.udp, from: "203.0.113.66", to: "192.0.2.1:8081", expect: .silent),
                Probe(from: "203.0.113.67", to: "192.0.2.1:8081", expect: .refused),
                Probe(.udp, from: "203.0.113.67", to: "192.0.2.1:8081", expect: .refused),
                Probe(from: "203.0.113.7", to: "192.0.2.1:8081", expect: .answered(by: "django")),
            ])
            #expect(try host.probe(Probe(from: "203.0.113.66", to: "192.0.2.1:8081")) == .silent)
        }
    }

    @Test(arguments: [DockerEngine.iptables28, .nftables29])
    func `raw segments are heard where they are let in`(engine: DockerEngine) throws {
        try DockerHost.with(engine, [Container("db", on: .dual, publish: ["5432:80", "5432:80/sctp"])]) { host in
            try host.load(
                """
                table inet test {
                    chain forward {
                        type filter hook forward priority filter - 10;
                        ip saddr 203.0.113.66 drop
                        ip6 saddr 2001:db8:10::66 drop
                    }
                }
                """)
            try host.expect([
                Probe(.strayAck, from: "203.0.113.7", to: "192.0.2.1:5432", expect: .refused),
                Probe(.strayAck, from: "203.0.113.66", to: "192.0.2.1:5432", expect: .silent),
                Probe(.strayAck, from: "203.0.113.7", to: "192.0.2.1:999", expect: .refused),
                Probe(.strayAck, from: "2001:db8:10::7", to: "[2001:db8:1::1]:5432", expect: .refused),
                Probe(.strayAck, from: "2001:db8:10::66", to: "[2001:db8:1::1]:5432", expect: .silent),
                Probe(.sctp, from: "203.0.113.7", to: "192.0.2.1:5432", expect: .refused),
                Probe(.sctp, from: "203.0.113.66", to: "192.0.2.1:5432", expect: .silent),
                Probe(.sctp, from: "2001:db8:10::7", to: "[2001:db8:1::1]:5432", expect: .refused),
                Probe(.sctp, from: "2001:db8:10::66", to: "[2001:db8:1::1]:5432", expect: .silent),
            ])
        }
    }

    @Test(arguments: DockerEngine.allCases)
    func `a neighbour reaches what is published to loopback, where the engine does not see to it`(
        engine: DockerEngine
    ) throws {
        try DockerHost.with(engine, Self.containers) { host in
            try host.routeLoopbackToHost()
            try host.expect([
                Probe(from: "192.0.2.10", to: "127.0.0.1:8081", expect: .answered(by: "django")),
                Probe(
                    from: "203.0.113.7", to: "127.0.0.1:8084",
                    expect: engine.closesDirectRoutes ? .silent : .answered(by: "loopback")),
            ])
        }
    }
}
