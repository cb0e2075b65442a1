import Addressing
import Foundation
import Nftables
import NftablesKernel
import Testing

@Suite(.needsRoot)
struct RefusalTests {
    private let jumpsNowhere = Change.addRule(
        LinearRule([.immediate(.jump("nowhere"))], origin: Origin(file: "policy.yaml", line: 7)), chain: "c",
        before: nil)

    @Test func `A stale generation is refused and changes nothing`() throws {
        let namespace = try ScratchNamespace()
        var kernel = try namespace.connect()
        let generation = try kernel.generation()
        try namespace.load("table ip other { }\n")
        let stale = Transaction(table: "t", changes: [.addTable(Table(name: "t"))], generation: generation)
        let error = #expect(throws: NetlinkError.self) { try kernel.commit(stale) }
        #expect(error?.isStaleGeneration == true)
        #expect(
            error?.description
                == "change table t: stale generation; the ruleset was changed meanwhile and nothing was sent in: read it again and repeat"
        )
        #expect(try kernel.readTable(named: "t") == nil)
        var current = stale
        current.generation = try kernel.generation()
        try kernel.commit(current)
        #expect(try kernel.readTable(named: "t") != nil)
    }

    @Test func `An error names the change that it is about, and nothing is done`() throws {
        let namespace = try ScratchNamespace()
        var kernel = try namespace.connect()
        let changes: [Change] = [
            .addTable(Table(name: "t")), .addChain(name: "c", nil), .addCounter(Counter(name: "n")), jumpsNowhere,
            .addLimit(Limit(name: "l", rate: 1, unit: .second)),
        ]
        let error = #expect(throws: NetlinkError.self) { try kernel.commit(Transaction(table: "t", changes: changes)) }
        #expect(error?.change == 3)
        #expect(error?.operation == "add")
        #expect(error?.object == "rule in chain c")
        #expect(error?.code == ENOENT)
        #expect(error?.origin == Origin(file: "policy.yaml", line: 7))
        #expect(try kernel.readTable(named: "t") == nil)
        // The connection is fit for use after it.
        try kernel.commit(Transaction(table: "t", changes: Array(changes[..<3])))
    }

    @Test func `Each refused change is counted`() throws {
        let namespace = try ScratchNamespace()
        var kernel = try namespace.connect()
        let changes =
            [Change.addTable(Table(name: "t")), .addChain(name: "c", nil)] + Array(repeating: jumpsNowhere, count: 3000)
        let error = #expect(throws: NetlinkError.self) { try kernel.commit(Transaction(table: "t", changes: changes)) }
        #expect(error?.change == 2)
        #expect(error?.furtherErrors == 2999)
        #expect(try kernel.readTable(named: "t") == nil)
    }

    @Test func `More errors than there is room for still say which came first`() throws {
        let namespace = try ScratchNamespace()
        var kernel = try namespace.connect()
        let changes = [Change.addTable(Table(name: "t"))] + Array(repeating: jumpsNowhere, count: 40_000)
        let error = #expect(throws: NetlinkError.self) { try kernel.commit(Transaction(table: "t", changes: changes)) }
        #expect(error?.change == 1)
        #expect((error?.furtherErrors ?? 0) > 1000)
        #expect(try kernel.readTable(named: "t") == nil)
    }

    @Test func `What exists already is not added again`() throws {
        let namespace = try ScratchNamespace()
        var kernel = try namespace.connect()
        let set = NamedSet(name: "s", key: [.ipv4Address], elements: .ipv4(.init([4...5])))
        try kernel.commit(Transaction(creating: table(set)))
        for change in [Change.addSet(set.header), .addElements(set: set.header, set.elements)] {
            let error = #expect(throws: NetlinkError.self) {
                try kernel.commit(Transaction(table: "t", changes: [change]))
            }
            #expect(error?.code == EEXIST)
            #expect(error?.change == 0)
        }
    }

    @Test func `A chain that is still jumped to is busy`() throws {
        let namespace = try ScratchNamespace()
        try namespace.load("table inet t {\n chain a { }\n chain b { jump a; }\n}\n")
        var kernel = try namespace.connect()
        let error = #expect(throws: NetlinkError.self) {
            try kernel.commit(Transaction(table: "t", changes: [.deleteChain(name: "a")]))
        }
        #expect(error?.code == EBUSY)
        #expect(
            error?.description
                == "delete chain a: Device or resource busy; something still refers to it, or another dump is under way: try again"
        )
    }

    @Test func `The last change alone can fail, and one alone`() throws {
        let namespace = try ScratchNamespace()
        var kernel = try namespace.connect()
        let error = #expect(throws: NetlinkError.self) {
            try kernel.commit(Transaction(table: "t", changes: [.deleteTable(name: "t")]))
        }
        #expect(error?.code == ENOENT)
        #expect(error?.change == 0)
    }

    @Test func `What cannot be encoded is refused before anything is sent`() throws {
        let namespace = try ScratchNamespace()
        var kernel = try namespace.connect()
        let long = String(repeating: "n", count: 256)
        let wide = NamedSet(
            name: "s", key: Array(repeating: .ipv6Address, count: 5), isMap: true, isInterval: false,
            elements: .keyed([]))
        let ports = NamedSet(name: "s", key: [.inetService], isMap: true, elements: .keyed([]))
        let far = Verdict.jump(String(repeating: "n", count: 100_000))
        let refused: [Change] = [
            .addSet(wide.header), .addSet(NamedSet(name: "s", key: [], elements: .keyed([])).header),
            .addElements(
                set: wide.header,
                .keyed([Element(key: Array(repeating: .ipv6(1...1), count: 5), verdict: .accept)])),
            .addElements(set: ports.header, .keyed([Element(key: [.service(1...1)], verdict: far)])),
            .addRule(LinearRule([.immediate(far)]), chain: "c", before: nil),
            .addRule(LinearRule([.lookup(set: "a\0b", .first, inverted: false)]), chain: "c", before: nil),
            .addChain(name: long, nil), .addChain(name: "a\0b", nil),
            .addRule(LinearRule([.opaque(name: "quota", [])]), chain: "c", before: nil),
            .addRule(LinearRule([], comment: long), chain: "c", before: nil),
            .addRule(LinearRule(Array(repeating: .counter, count: 2000)), chain: "c", before: nil),
            .addRule(LinearRule([.compare(.first, .equal, Array(repeating: 0, count: 65))]), chain: "c", before: nil),
            .addElements(
                set: NamedSet(name: "s", key: [.ipv4Address], elements: .keyed([])).header,
                .keyed([Element(key: [.proto(1)])])),
        ]
        for change in refused {
            let error = #expect(throws: NetlinkError.self) {
                try kernel.commit(Transaction(table: "t", changes: [.addTable(Table(name: "t")), change]))
            }
            #expect(error?.change == 1)
        }
        #expect(try kernel.readTable(named: "t") == nil)
    }

    @Test func `Rules are put before others, replaced and deleted by handle`() throws {
        let namespace = try ScratchNamespace()
        var kernel = try namespace.connect()
        let rule = { (comment: String) in LinearRule([.immediate(.accept)], comment: comment) }
        let ruleset = LinearRuleset(
            table: Table(name: "t"), chains: [LinearChain(name: "c", rules: ["a", "b", "c"].map(rule))])
        try kernel.commit(Transaction(creating: ruleset))
        let rules = try #require(try kernel.readTable(named: "t")?.ruleset.chains.first?.rules)
        let handles = rules.compactMap(\.handle)
        try kernel.commit(
            Transaction(
                table: "t",
                changes: [
                    .addRule(rule("x"), chain: "c", before: handles[1]),
                    .addRule(rule("y"), chain: "c", before: handles[1]),
                    .addRule(rule("z"), chain: "c", before: nil), .deleteRule(handle: handles[0], chain: "c"),
                    .replaceRule(handle: handles[2], with: rule("w"), chain: "c"),
                ]))
        let after = try #require(try kernel.readTable(named: "t")?.ruleset.chains.first?.rules)
        #expect(after.map(\.comment) == ["x", "y", "b", "w", "z"])
    }

    @Test func `Everything is deleted one by one`() throws {
        let namespace = try ScratchNamespace()
        var kernel = try namespace.connect()
        let ruleset = try Everything.ruleset().linearized()
        try kernel.commit(Transaction(creating: ruleset))
        let observed = try #require(try kernel.readTable(named: "t"))
        var changes: [Change] = observed.ruleset.chains.flatMap { chain in
            chain.rules.compactMap(\.handle).map { .deleteRule(handle: $0, chain: chain.name) }
        }
        changes += ruleset.sets.map { .deleteElements(set: $0.header, $0.elements) }
        changes += ruleset.sets.map { .deleteSet(name: $0.name) } + ruleset.chains.map { .deleteChain(name: $0.name) }
        changes +=
            ruleset.counters.map { .deleteCounter(name: $0.name) } + ruleset.limits.map { .deleteLimit(name: $0.name) }
        try kernel.commit(Transaction(table: "t", changes: changes, generation: observed.generation))
        #expect(try kernel.readTable(named: "t")?.ruleset == LinearRuleset(table: ruleset.table))
        try kernel.commit(Transaction(table: "t", changes: [.deleteTable(name: "t")]))
        #expect(try kernel.readTable(named: "t") == nil)
    }
}
