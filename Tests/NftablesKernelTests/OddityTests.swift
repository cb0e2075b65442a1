import Addressing
import Nftables
import NftablesKernel
import Testing

@Suite(.needsRoot)
struct OddityTests {
    private func observe(_ text: String) throws -> ObservedTable {
        let namespace = try ScratchNamespace()
        try namespace.load(text + "\n")
        var kernel = try namespace.connect()
        return try #require(try kernel.readTable(named: "t"))
    }

    @Test(arguments: [
        ("meta mark set 1", "meta"), ("limit rate 1/second", "limit"), ("ct count 3 accept", "connlimit"),
        ("notrack", "notrack"), ("quota 1 mbytes", "quota"), ("reject with icmpx admin-prohibited", "reject"),
        ("log level debug", "log"), ("log group 3 snaplen 20", "log"), ("log flags all", "log"),
        ("ct mark set 1", "ct"), ("tcp option maxseg size set 1200", "exthdr"), ("ct bytes 5", "ct"),
        ("meta length 1-2 numgen inc mod 2 0", "numgen"), ("fib daddr type local", "fib"), ("continue", "immediate"),
        ("meta mark 4", "meta"),
    ])
    func `What is not known is kept under its name`(statement: String, name: String) throws {
        let table = try observe(
            "table inet t {\n chain c { type filter hook prerouting priority -300; \(statement); }\n}")
        let rule = try #require(table.ruleset.chains.first?.rules.first)
        let opaque = rule.expressions.compactMap { expression -> String? in
            if case .opaque(let name, _) = expression { name } else { nil }
        }
        #expect(opaque.contains(name), "\(rule.expressions)")
    }

    @Test func `Two rules that differ in what is not known are not the same`() throws {
        let table = try observe("table inet t {\n chain c {\n quota 1 mbytes\n quota 2 mbytes\n quota 1 mbytes\n }\n}")
        let rules = try #require(table.ruleset.chains.first?.rules)
        #expect(rules[0] != rules[1])
        #expect(rules[0] == rules[2])
    }

    @Test(arguments: [
        ("set s { type mark; }", Oddity.Place.set("s"), "of a type that is never written here (key type 19, flags 0)"),
        ("set s { type ipv4_addr; flags timeout; timeout 1h; }", .set("s"), "its elements time out"),
        (
            "set s { type ipv4_addr; flags timeout; elements = { 1.2.3.4 timeout 1h } }", .set("s"),
            "has elements that time out"
        ),
        ("set s { type ipv4_addr; size 5; }", .set("s"), "has a size"),
        ("set s { type ipv4_addr; comment \"x\"; }", .set("s"), "has a comment"),
        ("set s { type ipv4_addr; elements = { 1.2.3.4 comment \"x\" } }", .set("s"), "has elements with comments"),
        ("set s { type ipv4_addr; counter; elements = { 1.2.3.4 } }", .set("s"), "has elements with statements"),
        ("set s { type ipv4_addr; flags constant; elements = { 1.2.3.4 } }", .set("s"), "has flags (2)"),
        ("map s { type ipv4_addr : mark; }", .set("s"), "of a type that is never written here (key type 7, flags 8)"),
        (
            "map s { type ipv4_addr : verdict; elements = { * : drop } }", .set("s"),
            "has an element that matches all else"
        ),
        (
            "map s { type ipv4_addr : verdict; elements = { 1.2.3.4 : continue } }", .set("s"),
            "has elements with verdicts that are never written here"
        ),
        (
            "set s { type inet_proto; flags interval; elements = { 6-17 } }", .set("s"),
            "has elements with ranges that are never written here"
        ),
        (
            "set s { type ipv4_addr; flags interval; elements = { 1.2.3.4, 1.2.3.5 } }", .set("s"),
            "has adjacent ranges that are not merged"
        ),
        (
            "quota q { over 1 mbytes; }", .object(word: "quota", name: "q"),
            "a kind of object that is never written here"
        ),
        (
            "limit l { rate 1 kbytes/second; }", .object(word: "limit", name: "l"),
            "a limit of bytes, or one that is inverted"
        ),
        ("counter n { comment \"x\"; }", .object(word: "counter", name: "n"), "has a comment"),
        ("chain c { comment \"x\"; }", .chain("c"), "has a comment"),
        ("chain c { type nat hook prerouting priority 0; }", .chain("c"), "a base chain of type nat on hook 0"),
        ("chain c { ip saddr { 1.2.3.4, 1.2.3.9 } accept; }", .set("__set0"), "anonymous: part of a rule"),
        ("flags dormant;", .table, "dormant: none of its rules are in force"),
    ])
    func `What we never write is named`(text: String, place: Oddity.Place, words: String) throws {
        let table = try observe("table inet t {\n \(text)\n}")
        #expect(table.oddities.contains(Oddity(place, words)), "\(table.oddities)")
    }

    @Test func `Other tables are not read`() throws {
        let table = try observe(
            """
            table inet t { }
            table inet u { comment "u"; counter n { }; chain c { accept; }; set s { type mark; }; }
            table ip t { chain c { accept; }; set s { type ipv4_addr; }; counter n { }; }
            """)
        #expect(table.ruleset == LinearRuleset(table: Table(name: "t")))
        #expect(table.oddities == [])
    }
}
