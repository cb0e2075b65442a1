import HostRules
import NftablesKernel
import Testing

@testable import MatrixSupport
@testable import TestSupport

@Suite(.serialized, .requiresPackets) struct `Tables of others` {
    /// Everything that a recording of an engine has, and, for iptables, the same as iptables itself tells it.
    private func listing(_ namespace: NetworkNamespace, _ tables: [String]) throws -> [String] {
        var texts = [try namespace.run("nft", "--stateless", "list", "ruleset").orThrow()]
        if tables.contains("ip filter") {
            texts += try ["iptables-nft-save", "ip6tables-nft-save"].map {
                try namespace.run($0).orThrow().split(separator: "\n").filter { !$0.hasPrefix("#") }
                    // A chain's policy counts what came to it.
                    .map { $0.hasPrefix(":") ? String($0.prefix { $0 != "[" }) : String($0) }
                    .joined(separator: "\n")
            }
        }
        return texts
    }

    private func isSame(in namespace: NetworkNamespace) throws -> [String] {
        var connection = try KernelConnection(namespace: namespace.path)
        let dump = try connection.readDockerTables()
        let rules = try ForeignRules(dump)
        try NetworkNamespace.with("copy") { copy in
            try rules.load(into: copy.path)
            for (original, again) in zip(try listing(namespace, dump.tables), try listing(copy, dump.tables)) {
                #expect(again == original)
            }
            var second = try KernelConnection(namespace: copy.path)
            #expect(try second.readDockerTables().tables == dump.tables)
        }
        return dump.tables
    }

    @Test(arguments: DockerEngine.allCases)
    func `are the same when they were made again from what the kernel dumps`(engine: DockerEngine) throws {
        let estate = try Estate(hasGatewayModes: engine.closesDirectRoutes)
        try DockerHost.with(engine, estate.containers) { host in
            let tables = try isSame(in: host.namespace)
            #expect(tables.contains(engine == .nftables29 ? "ip docker-bridges" : "ip nat"))
        }
    }

    /// Sets of every kind, in one of Docker's tables.
    @Test func `are the same with what Docker does not use today`() throws {
        try NetworkNamespace.with("odd") { namespace in
            try namespace.run(
                "nft", "-f", "-",
                input: """
                    table ip docker-bridges {
                        comment "of Docker"
                        set ranges { type ipv4_addr; flags interval; elements = { 0.0.0.0/8, 192.0.2.0/25, 192.0.2.128-192.0.2.130, 203.0.113.0-255.255.255.255 }; }
                        set both { type ipv4_addr . inet_service; flags interval; elements = { 192.0.2.0/24 . 1-1024, 192.0.2.0/24 . 2000 }; }
                        set seen { type ipv4_addr; flags dynamic, timeout; timeout 1h; }
                        map ways { type inet_service : verdict; elements = { 80 : jump other, 81 : drop }; }
                        map ports { type ifname . inet_service : ipv4_addr . inet_service; elements = { "docker0" . 80 : 172.17.0.2 . 8080 }; }
                        counter named { packets 0 bytes 0 }
                        chain other { counter name named return comment "nothing"; }
                        chain forward {
                            type filter hook forward priority 5; policy drop;
                            ip saddr @ranges ip saddr . tcp dport @both counter accept
                            ip saddr { 192.0.2.1, 198.51.100.0/24 } tcp dport vmap { 22 : accept, 23 : goto other }
                            tcp dport vmap @ways
                            udp dport { 53, 5353 } add @seen { ip saddr }
                            ct state vmap { established : accept, invalid : drop }
                            meta l4proto != { tcp, udp } limit rate 5/second burst 7 packets log prefix "x" reject with icmp type host-unreachable
                            ip daddr . tcp dport { 192.0.2.7 . 80, 192.0.2.8 . 90-99 } accept
                        }
                    }
                    table ip other { chain c { type filter hook input priority 0; }; }
                    """
            ).orThrow()
            var connection = try KernelConnection(namespace: namespace.path)
            let dump = try connection.readDockerTables()
            #expect(dump.tables == ["ip docker-bridges"])
            try namespace.run("nft", "delete", "table", "ip", "other").orThrow()
            _ = try isSame(in: namespace)
        }
    }

    /// More than a socket takes at once of who has no privilege.
    @Test func `are the same where there are many rules`() throws {
        try NetworkNamespace.with("many") { namespace in
            let rules = (1...1000).map {
                "ip daddr { 192.0.2.\($0 % 250 + 1), 198.51.100.7 } tcp dport \($0) dnat to 172.17.0.2:80"
            }.joined(separator: "\n")
            try namespace.run(
                "nft", "-f", "-",
                input: "table ip docker-bridges { chain nat { type nat hook prerouting priority -100; \(rules)\n}; }"
            ).orThrow()
            _ = try isSame(in: namespace)
        }
    }

    @Test func `are Docker's only where Docker has chains in them`() throws {
        try NetworkNamespace.with("none") { namespace in
            try namespace.run("iptables-nft", "-A", "INPUT", "-p", "tcp", "--dport", "80", "-j", "DROP").orThrow()
            var connection = try KernelConnection(namespace: namespace.path)
            #expect(try connection.readDockerTables() == TableDump())
            try namespace.run("iptables-nft", "-N", "DOCKER-USER").orThrow()
            #expect(try connection.readDockerTables().tables == ["ip filter"])
        }
    }

    /// A negated protocol, and one that is a number.
    @Test func `keep what iptables matches tell the kernel of the protocol`() throws {
        try NetworkNamespace.with("compat") { namespace in
            for rule in [
                "-N DOCKER", "-A DOCKER ! -p icmp -m addrtype --dst-type LOCAL -j DROP", "-A DOCKER -p 47 -j ACCEPT",
                "-A DOCKER -p udp -m multiport --dports 1:9,20 -m conntrack --ctstate NEW -j REJECT",
                "-A DOCKER -p sctp --dport 80 -m comment --comment why -j LOG --log-prefix x",
                "-A DOCKER -p tcp -m tcp ! --tcp-flags SYN,RST SYN -m limit --limit 5/min -j RETURN",
            ] {
                try namespace.run(Program(["iptables-nft"] + rule.split(separator: " ").map(String.init))).orThrow()
            }
            #expect(try isSame(in: namespace) == ["ip filter"])
        }
    }
}
