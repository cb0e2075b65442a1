import Addressing
import Nftables
import NftablesKernel
import Testing

@Suite(.needsRoot)
struct RoundTripTests {
    @Test func `What was pushed is what is read`() throws {
        let pushed = try Everything.ruleset().linearized()
        let namespace = try ScratchNamespace()
        var kernel = try namespace.connect()
        try kernel.commit(Transaction(creating: pushed))
        let observed = try #require(try kernel.readTable(named: "t"))
        #expect(observed.ruleset.table == pushed.table)
        #expect(observed.ruleset.counters == pushed.counters)
        #expect(observed.ruleset.limits == pushed.limits)
        for (left, right) in zip(observed.ruleset.sets, pushed.sets) { #expect(left == right) }
        for (left, right) in zip(observed.ruleset.chains, pushed.chains) {
            for (left, right) in zip(left.rules, right.rules) { #expect(left == right) }
        }
        #expect(observed.ruleset == pushed)
        #expect(observed.oddities == [])
        #expect(observed.generation == (try kernel.generation()))
        #expect(observed.counters["django-allowed"] == CounterReading(packets: 0, bytes: 0))
        #expect(try kernel.readCounters(table: "t") == observed.counters)
    }

    @Test func `A table that does not exist is nil, not an error`() throws {
        let namespace = try ScratchNamespace()
        var kernel = try namespace.connect()
        #expect(try kernel.readTable(named: "t") == nil)
        #expect(try kernel.readCounters(table: "t") == nil)
    }

    @Test func `nft lists our table as it lists its own`() throws {
        let ours = try ScratchNamespace()
        var kernel = try ours.connect()
        try kernel.commit(Transaction(creating: try Everything.ruleset().linearized()))
        let theirs = try ScratchNamespace()
        try theirs.load(Everything.text)
        #expect(try ours.list() == theirs.list())
        #expect(try ours.json() == theirs.json())
        let again = try ScratchNamespace()
        try again.load(try ours.list())
        #expect(try again.list() == ours.list())
    }

    @Test func `What nft loads is read as what we would push`() throws {
        let namespace = try ScratchNamespace()
        try namespace.load(Everything.text)
        var kernel = try namespace.connect()
        let observed = try #require(try kernel.readTable(named: "t"))
        let pushed = try Everything.ruleset().linearized()
        #expect(observed.ruleset.table == pushed.table)
        #expect(observed.ruleset.sets == pushed.sets)
        for (left, right) in zip(observed.ruleset.chains, pushed.chains) { #expect(left == right) }
        #expect(observed.ruleset == pushed)
        #expect(observed.oddities == [])
    }

    @Test func `What a rule of its own or an object has counted is not part of the ruleset`() throws {
        let namespace = try ScratchNamespace()
        var kernel = try namespace.connect()
        let rules = [LinearRule([.counter, .log(prefix: "", .kernel), .immediate(.accept)])]
        let pushed = LinearRuleset(
            table: Table(name: "t"), counters: [Counter(name: "n")], chains: [LinearChain(name: "c", rules: rules)])
        try kernel.commit(Transaction(creating: pushed))
        #expect(try kernel.readTable(named: "t")?.ruleset == pushed)
        try kernel.commit(Transaction(table: "t", changes: [.deleteTable(name: "t")]))
        try namespace.load(
            "table inet t {\n counter n { packets 5 bytes 6; }\n chain c { counter packets 7 bytes 8 log accept; }\n}\n"
        )
        let observed = try #require(try kernel.readTable(named: "t"))
        #expect(observed.ruleset == pushed)
        #expect(observed.counters == ["n": CounterReading(packets: 5, bytes: 6)])
        #expect(try kernel.readCounters(table: "t") == observed.counters)
    }

    @Test func `A look without elements has the sets and not what they hold`() throws {
        let namespace = try ScratchNamespace()
        var kernel = try namespace.connect()
        let pushed = try Everything.ruleset().linearized()
        try kernel.commit(Transaction(creating: pushed))
        let observed = try #require(try kernel.readTable(named: "t", elements: .none))
        #expect(observed.ruleset.sets.map(\.header) == pushed.sets.map(\.header))
        #expect(observed.ruleset.sets.allSatisfy { $0.elements.isEmpty != $0.timesOut })
        #expect(observed.ruleset.chains == pushed.chains)
    }

    @Test func `The connection is to the namespace that was named`() throws {
        let one = try ScratchNamespace()
        let two = try ScratchNamespace()
        let first = try one.connect().namespaceCookie
        #expect(first != nil)
        #expect(first == (try one.connect().namespaceCookie))
        #expect(first != (try two.connect().namespaceCookie))
        #expect(first != (try KernelConnection().namespaceCookie))
    }

    @Test func `A namespace that does not exist is named in the error`() throws {
        let error = #expect(throws: NetlinkError.self) { _ = try KernelConnection(namespace: "/run/netns/no-such") }
        #expect(
            error?.description
                == "enter network namespace /run/netns/no-such: No such file or directory; it, or something it refers to, does not exist"
        )
    }
}
