import Addressing
import Compiler
import Confirmation
import Diagnostics
import Nftables
import NftablesKernel
@testable import Policy
import Reconcile
import TestSupport
import Testing

/// Seeded, so that a failure comes back.
@Suite struct `A table in which a policy waits` {
    @Test func `is taken apart into just the two that it was joined of`() throws {
        var random = RandomPolicy(seed: 41)
        var before: LinearRuleset?
        var sharing = 0
        for number in 0..<300 {
            let after = Compiler.compile(random.next()).linearized()
            let joined = WaitingTable.joined(before, after, timeout: 60_000)
            let parts = try #require(WaitingTable(in: joined))
            #expect(parts.plain.map(Sorted.init) == before.map(Sorted.init), "policy \(number)")
            #expect(Sorted(parts.next) == Sorted(after), "policy \(number)")
            #expect(parts.remaining == 60_000)
            #expect(parts.faults.isEmpty)
            #expect(PolicyDigest.hexadecimal(of: parts.next) == Compiler.digest(of: after))
            if joined.chains.count < (before?.chains.count ?? 0) + after.chains.count { sharing += 1 }
            // Now and then there was none before, or the same again.
            before = number % 7 == 0 ? nil : number % 7 == 1 ? before : after
        }
        #expect(sharing > 100)
    }

    @Test func `is found in no table in which nothing waits`() {
        var random = RandomPolicy(seed: 42)
        for _ in 0..<100 { #expect(WaitingTable(in: Compiler.compile(random.next()).linearized()) == nil) }
    }

    @Test func `shows what somebody has done to its heads`() throws {
        var random = RandomPolicy(seed: 43)
        let before = Compiler.compile(random.next()).linearized()
        let joined = WaitingTable.joined(before, Compiler.compile(random.next()).linearized(), timeout: 60_000)
        let head = try #require(joined.chains.firstIndex { $0.name == "forward" })
        let map = try #require(joined.sets.firstIndex { $0.name == "waiting-forward" })

        var beheaded = joined
        beheaded.chains[head].rules.removeFirst()
        #expect(WaitingTable(in: beheaded)?.faults == ["chain forward does not begin by asking map waiting-forward"])

        var halved = joined
        let ipv4 = Element(key: [.family(.ipv4)], verdict: .goto("next-forward"), timeout: 60_000)
        halved.sets[map].elements = .keyed([ipv4])
        #expect(WaitingTable(in: halved)?.faults == ["map waiting-forward has no ipv6"])

        var everlasting = joined
        everlasting.sets[map].elements = .keyed([
            ipv4, Element(key: [.family(.ipv6)], verdict: .accept),
        ])
        #expect(
            WaitingTable(in: everlasting)?.faults == [
                "map waiting-forward leads elsewhere for ipv6", "map waiting-forward has ipv6 for ever",
            ])
    }

    @Test func `holds once what both policies say alike`() throws {
        var random = RandomPolicy(seed: 44)
        var policy = random.next()
        let origin = Span(file: "two.yaml", start: Position(line: 1, column: 1), end: Position(line: 1, column: 2))
        let few = AddressSet(v4: IntervalSet([0xc633_6400...0xc633_6407]), v6: IntervalSet())
        let singles: [ClosedRange<UInt32>] = (0..<2000).map { (number: UInt32) in
            let address = 0x0a00_0000 + number * 2
            return address...address
        }
        let many = AddressSet(v4: IntervalSet(singles), v6: IntervalSet())
        policy.groups = [
            Group(name: "large", addresses: many, members: [], span: origin),
            Group(name: "small", addresses: few, members: [], span: origin),
        ]
        policy.services = [("large", UInt16(8000)), ("small", 8001)].map { name, port in
            Service(
                name: name, publish: .ports([PortRange(.tcp, port...port)]), on: [], interfaces: [],
                allow: .listed(groups: [name], addresses: AddressSet()), except: .nobody, span: origin)
        }
        let before = Compiler.compile(policy).linearized()
        policy.groups[1].addresses.v4 = IntervalSet([0xc633_6400...0xc633_6408])
        let after = Compiler.compile(policy).linearized()
        let joined = WaitingTable.joined(before, after, timeout: 60_000)
        #expect(
            joined.sets.filter { $0.name.contains("group-") }.map(\.name).sorted() == [
                "group-large-v4", "group-small-v4", "next-group-small-v4",
            ])
        #expect(joined.chains.contains { $0.name == "next-service-small" })
        #expect(!joined.chains.contains { $0.name == "next-service-large" })
        #expect(Difference(from: before, to: joined).changes.reduce(0) { $0 + $1.operationCount } < 200)
    }
}

@Suite(.requires(.root, .nft)) struct `A table in which a policy waits, in the kernel` {
    @Test func `is read as it was sent, and becomes either of the two by an exact difference`() throws {
        try NetworkNamespace.with("waiting") { namespace in
            var connection = try KernelConnection(namespace: namespace.path)
            var random = RandomPolicy(seed: 45)
            for number in 0..<60 {
                let after = Compiler.compile(random.next()).linearized()
                let before = try connection.readTable(named: Compiler.tableName)
                let joined = WaitingTable.joined(before?.ruleset, after, timeout: 3_600_000)
                try connection.move(to: joined)
                let live = try #require(try connection.readTable(named: Compiler.tableName))
                #expect(live.oddities.isEmpty)
                #expect(Difference(from: live.ruleset, to: joined).isEmpty)
                let parts = try #require(WaitingTable(in: live.ruleset))
                #expect(parts.faults.isEmpty)
                #expect(parts.plain.map(Sorted.init) == before.map { Sorted($0.ruleset) }, "policy \(number)")
                #expect(PolicyDigest.hexadecimal(of: parts.next) == Compiler.digest(of: after), "policy \(number)")
                let listing = try namespace.run("nft", "list", "table", "inet", Compiler.tableName).orThrow()
                try namespace.run("nft", "-c", "-f", "-", input: "delete table inet dockernft\n" + listing).orThrow()
                if number % 3 == 0, let plain = parts.plain {
                    try connection.move(to: plain)
                    let back = try #require(try connection.readTable(named: Compiler.tableName))
                    #expect(Sorted(back.ruleset) == before.map { Sorted($0.ruleset) }, "policy \(number)")
                } else {
                    try connection.move(to: parts.next)
                    let made = try #require(try connection.readTable(named: Compiler.tableName))
                    #expect(PolicyDigest.hexadecimal(of: made.ruleset) == Compiler.digest(of: after))
                    #expect(WaitingTable(in: made.ruleset) == nil)
                }
            }
        }
    }

    @Test func `is the one of before when its time is up, and nothing of the new one is lost but its elements`() throws
    {
        try NetworkNamespace.with("expiring") { namespace in
            var connection = try KernelConnection(namespace: namespace.path)
            var random = RandomPolicy(seed: 46)
            let before = Compiler.compile(random.next()).linearized()
            let after = Compiler.compile(random.next()).linearized()
            try connection.move(to: before)
            try connection.move(to: WaitingTable.joined(before, after, timeout: 400))
            var parts = try #require(
                try connection.readTable(named: Compiler.tableName).map { WaitingTable(in: $0.ruleset) } ?? nil)
            #expect(parts.remaining.map { $0 > 0 && $0 <= 400 } == true)
            let deadline = ContinuousClock.now + .seconds(20)
            while !parts.isExpired, ContinuousClock.now < deadline {
                parts = try #require(
                    try connection.readTable(named: Compiler.tableName).map { WaitingTable(in: $0.ruleset) } ?? nil)
            }
            #expect(parts.isExpired)
            #expect(parts.faults.isEmpty)
            #expect(parts.plain.map(Sorted.init) == Sorted(before))
            #expect(Sorted(parts.next) == Sorted(after))
            // At once, before the kernel has swept up what has gone.
            try connection.move(to: try #require(parts.plain))
            #expect(try connection.readTable(named: Compiler.tableName).map { Sorted($0.ruleset) } == Sorted(before))
        }
    }
}

/// A table whatever the order of its parts; rules have theirs.
private struct Sorted: Equatable {
    let ruleset: LinearRuleset

    init(_ ruleset: LinearRuleset) {
        var sorted = ruleset
        sorted.counters.sort { $0.name < $1.name }
        sorted.limits.sort { $0.name < $1.name }
        sorted.chains.sort { $0.name < $1.name }
        for (index, set) in sorted.sets.enumerated() {
            guard case .keyed(let elements) = set.elements else { continue }
            sorted.sets[index].elements = .keyed(elements.sorted { $0.key.lexicographicallyPrecedes($1.key) })
        }
        sorted.sets.sort { $0.name < $1.name }
        self.ruleset = sorted
    }
}

extension KernelConnection {
    fileprivate mutating func move(to desired: LinearRuleset) throws {
        let live = try readTable(named: Compiler.tableName)
        let difference = Difference(from: live?.ruleset, to: desired)
        try commit(
            Transaction(table: Compiler.tableName, changes: difference.changes, generation: live?.generation))
    }
}
