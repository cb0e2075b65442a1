import Foundation
import HostRules
import Nftables
import NftablesKernel
import Testing

/// Rules such as a host has beside Docker's: of nft by hand, of ufw, of firewalld.
@Suite(.needsRoot) struct ForeignRulesTests {
    private static let native = """
        table inet mixed {
            comment "of somebody"
            set clients { type ipv4_addr; flags interval; elements = { 192.0.2.0/24, 198.51.100.7 } }
            set banned { type ipv4_addr; flags dynamic,timeout; timeout 1h; }
            set named { type ipv4_addr . inet_service; flags interval; elements = { 192.0.2.0/24 . 80-90, 198.51.100.1 . 443 } }
            set plain { type inet_proto . inet_service; elements = { tcp . 22 } }
            set metered { type ipv4_addr; flags dynamic; size 10; }
            map doors { type inet_service : verdict; elements = { 22 : accept, 23 : drop, 80 : jump web, * : continue } }
            map targets { type inet_service : ipv4_addr . inet_service; elements = { 8080 : 203.0.113.1 . 80, 8443 : 203.0.113.2 . 443 } }
            limit slow { rate 3/second }
            counter hits { }
            chain web { return; }
            chain pre {
                type nat hook prerouting priority dstnat; policy accept;
                dnat ip to tcp dport map @targets
                meta nfproto ipv4 tcp dport 81 redirect to :8081
                ip daddr 192.0.2.9 tcp dport 82 dnat ip to 203.0.113.9:8082
                ip daddr 192.0.2.9 tcp dport 83 dnat ip to 203.0.113.9-203.0.113.10
            }
            chain raw {
                type filter hook prerouting priority raw; policy accept;
                udp dport 53 notrack
                meta mark set 0x1
                fib saddr . iif oif missing drop
                fib daddr type local accept
            }
            chain input {
                type filter hook input priority filter; policy drop;
                ct state vmap { established : accept, related : accept, invalid : drop }
                ip saddr @clients tcp dport != 25 accept
                ip saddr . tcp dport @named accept comment "pairs"
                meta l4proto . th dport @plain accept
                tcp dport vmap @doors
                ip saddr @banned drop
                tcp dport 2222 update @metered { ip saddr limit rate 3/minute } accept
                limit name "slow" counter name "hits" accept
                meta l4proto udp limit rate 5/second log prefix "x" counter accept
                tcp dport 1000-2000 reject with tcp reset
                ip saddr & 255.255.255.0 == 192.0.2.0 accept
                meta cgroup 5 drop
                tcp dport 5 goto web
            }
        }
        table ip6 clamp {
            chain c {
                type filter hook forward priority mangle; policy accept;
                tcp flags syn tcp option maxseg size set rt mtu
            }
        }
        table ip asleep {
            flags dormant
            chain c { type filter hook forward priority -5; policy drop; }
        }
        table netdev edge {
            chain in { type filter hook ingress devices = { lo, other0 } priority 0; policy accept; ip saddr 192.0.2.1 drop; }
        }
        table bridge b {
            chain c { type filter hook forward priority 0; policy accept; drop; }
        }
        """

    private static func loaded() throws -> HostRuleset {
        let namespace = try ScratchNamespace()
        try namespace.run("ip link add other0 type veth peer name other1")
        try namespace.load(native)
        return try namespace.host()
    }

    @Test func `Tables say whose they are and whether they are in force`() throws {
        let ruleset = try Self.loaded()
        #expect(
            ruleset.tables.map { "\($0.family.word) \($0.name)" }
                == ["inet mixed", "ip6 clamp", "ip asleep", "netdev edge", "bridge b"])
        #expect(ruleset.tables.map(\.isDormant) == [false, false, true, false, false])
        #expect(ruleset.tables[0].comment == "of somebody")
        let bases = ruleset.tables.flatMap(\.chains).compactMap(\.base)
        #expect(
            bases == [
                .init(type: "nat", hook: .prerouting, priority: -100),
                .init(type: "filter", hook: .prerouting, priority: -300),
                .init(type: "filter", hook: .input, priority: 0, dropsByDefault: true),
                .init(type: "filter", hook: .forward, priority: -150),
                .init(type: "filter", hook: .forward, priority: -5, dropsByDefault: true),
                .init(type: "filter", hook: .ingress, priority: 0, devices: ["lo", "other0"]),
                .init(type: "filter", hook: .forward, priority: 0),
            ])
    }

    @Test func `Sets and maps hold what was put into them`() throws {
        let table = try #require(try Self.loaded().table(.inet, "mixed"))
        let sets = Dictionary(table.sets.map { ($0.name, $0) }) { first, _ in first }
        #expect(
            sets["clients"]?.elements == [
                .init(low: [192, 0, 2, 0], high: [192, 0, 2, 255]),
                .init(low: [198, 51, 100, 7], high: [198, 51, 100, 7]),
            ])
        #expect(
            sets["named"]?.elements == [
                .init(low: [192, 0, 2, 0, 0, 80, 0, 0], high: [192, 0, 2, 255, 0, 90, 0, 0]),
                .init(low: [198, 51, 100, 1, 1, 187, 0, 0], high: [198, 51, 100, 1, 1, 187, 0, 0]),
            ])
        #expect(sets["named"]?.fieldLengths == [4, 2])
        #expect(sets["plain"]?.fieldLengths == [1, 2])
        #expect(sets["plain"]?.elements == [.init(low: [6, 0, 0, 0, 0, 22, 0, 0], high: [6, 0, 0, 0, 0, 22, 0, 0])])
        #expect(
            sets["doors"]?.elements == [
                .init(low: [0, 22], high: [0, 22], verdict: .accept),
                .init(low: [0, 23], high: [0, 23], verdict: .drop),
                .init(low: [0, 80], high: [0, 80], verdict: .jump("web")),
            ])
        // `continue` is no verdict that a packet can have.
        #expect(sets["doors"]?.catchall == .init(low: [], high: []))
        #expect(
            sets["targets"]?.elements == [
                .init(low: [31, 144], high: [31, 144], data: [203, 0, 113, 1, 0, 80, 0, 0]),
                .init(low: [32, 251], high: [32, 251], data: [203, 0, 113, 2, 1, 187, 0, 0]),
            ])
        #expect(table.sets.filter(\.isDynamic).map(\.name).sorted() == ["banned", "metered"])
    }

    @Test func `Every rule of nft is understood, but for a range of addresses`() throws {
        let unknown = try Self.loaded().rules.flatMap(\.instructions).filter(\.isUnknown)
        // The mtu of a route, and one DNAT to several addresses.
        #expect(unknown == [.unknown("dnat to a range"), .loadUnknown(into: 0)])
    }

    @Test func `NAT in a table of both families is of one of them`() throws {
        let table = try #require(try Self.loaded().table(.inet, "mixed"))
        let pre = try #require(table.chains.first { $0.name == "pre" })
        let spare = Instruction.spareRegister
        #expect(
            pre.rules[2].instructions.suffix(5) == [
                .loadImmediate([203, 0, 113, 9], into: 0), .loadImmediate([31, 146], into: 4),
                .loadMeta(15, into: spare), .compare(spare, operation: 0, [2]), .destinationNAT(address: 0, port: 4),
            ])
        #expect(pre.rules[1].instructions.last == .redirect(port: 0))
        #expect(
            pre.rules[0].instructions.suffix(4).first.map {
                if case .lookupValue("targets", _, _) = $0 { true } else { false }
            }
                == true)
    }

    @Test func `Words of a rule that decide nothing are told from those that may`() throws {
        let ruleset = try Self.loaded()
        let table = try #require(ruleset.table(.inet, "mixed"))
        let input = try #require(table.chains.first { $0.name == "input" }).rules.map(\.instructions)
        #expect(input[6].contains(.limit) && input[6].last == .verdict(.accept))
        #expect(input[7] == [.limit, .noEffect("counter"), .verdict(.accept)])
        #expect(input[8].suffix(4) == [.limit, .noEffect("log"), .noEffect("counter"), .verdict(.accept)])
        #expect(input[9].last == .reject)
        #expect(input[10].contains(.bitwise(0, mask: [255, 255, 255, 0], xor: [0, 0, 0, 0], into: 0)))
        #expect(input[11].first == .loadMeta(23, into: 0))
        #expect(input[12].last == .verdict(.goto("web")))
        #expect(ruleset.table(.ip6, "clamp")?.chains[0].rules[0].instructions.last == .noEffect("option set"))
        let raw = try #require(table.chains.first { $0.name == "raw" }).rules.map(\.instructions)
        #expect(raw[0].last == .notrack)
        #expect(raw[1].last == .noEffect("meta mark set"))
        #expect(table.chains.flatMap(\.rules).compactMap(\.comment) == ["pairs"])
    }

    @Test func `A set that is known already is taken as it is at that generation`() throws {
        let namespace = try ScratchNamespace()
        try namespace.load(
            """
            table inet t {
                set s { type ipv4_addr; flags interval; elements = { 192.0.2.1-192.0.2.9 }; }
                map m { type ipv4_addr . inet_service : verdict; flags interval; elements = { 192.0.2.1 . 80-81 : drop }; }
            }
            """)
        var connection = try namespace.connect()
        let plain = try connection.readHost()
        let table = try #require(try connection.readTable(named: "t"))
        let elements = Dictionary(table.ruleset.sets.map { ($0.name, $0.elements) }) { first, _ in first }
        let known = KnownElements(table: "t", generation: table.generation, sets: elements)
        #expect(try connection.readHost(knowing: known) == plain)
        let wrong = KnownElements(
            table: "t", generation: table.generation, sets: elements.mapValues { _ in .keyed([]) })
        #expect(try connection.readHost(knowing: wrong) != plain)
        // Of another generation nothing is known.
        let stale = KnownElements(table: "t", generation: table.generation - 1, sets: wrong.sets)
        #expect(try connection.readHost(knowing: stale) == plain)
    }

    @Test func `What ufw and others write through iptables is understood, but for some matches`() throws {
        let namespace = try ScratchNamespace()
        try namespace.run(
            "iptables-nft-restore", input: try String(contentsOfFile: "nft/hosts/ufw/iptables-save", encoding: .utf8))
        try namespace.run(
            "ip6tables-nft-restore", input: try String(contentsOfFile: "nft/hosts/ufw/ip6tables-save", encoding: .utf8))
        try namespace.load(try String(contentsOfFile: "nft/hosts/firewalld/ruleset.nft", encoding: .utf8))
        let unknown = Set(try namespace.host().rules.flatMap(\.instructions).filter(\.isUnknown))
        #expect(unknown == Set(["recent", "rt", "hl", "icmp", "icmp6"].map { .xtables(.unknown($0)) }))
    }
}
