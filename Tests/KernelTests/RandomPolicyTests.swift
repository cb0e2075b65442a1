import Addressing
import Compiler
import Nftables
import NftablesFormats
import NftablesKernel
import Reconcile
import TestSupport
import Testing

/// Seeded, so that a failure comes back.
@Suite(.requires(.root, .nft)) struct `A hundred random policies` {
    @Test func `one after the other, each is applied exactly, and by no operation more than they differ`() throws {
        try NetworkNamespace.with("random") { namespace in
            var connection = try KernelConnection(namespace: namespace.path)
            var random = RandomPolicy(seed: 20_261_121)
            var before = LinearRuleset(table: Table(name: Compiler.tableName))
            for number in 0..<100 {
                let desired = Compiler.compile(random.next()).linearized()
                let live = try connection.readTable(named: Compiler.tableName)
                let difference = Difference(from: live?.ruleset, to: desired)
                try connection.commit(
                    Transaction(
                        table: Compiler.tableName, changes: difference.changes, generation: live?.generation))
                let after = try #require(try connection.readTable(named: Compiler.tableName))
                #expect(after.oddities.isEmpty)
                #expect(Difference(from: after.ruleset, to: desired).isEmpty, "policy \(number)")
                #expect(
                    PolicyDigest.hexadecimal(of: after.ruleset) == Compiler.digest(of: desired), "policy \(number)")
                if live != nil, case .amend = difference.scope {
                    let operations = difference.changes.reduce(0) { $0 + $1.operationCount }
                    #expect(operations == Self.distance(before, desired), "policy \(number)")
                }
                before = desired
            }
        }
    }

    @Test func `nft lists what we push as it lists our text, and loads its own listing again`() throws {
        try NetworkNamespace.with("pushed") { pushed in
            try NetworkNamespace.with("loaded") { loaded in
                var connection = try KernelConnection(namespace: pushed.path)
                var random = RandomPolicy(seed: 7)
                for number in 0..<25 {
                    let ruleset = Compiler.compile(random.next())
                    let remake: [Change] = [
                        .addTable(ruleset.table), .deleteTable(name: ruleset.table.name),
                    ]
                    try connection.commit(
                        Transaction(
                            table: ruleset.table.name,
                            changes: remake + Difference(from: nil, to: ruleset.linearized()).changes))
                    try loaded.run("nft", "-f", "-", input: NftText.text(ruleset)).orThrow()
                    let listing = try pushed.run("nft", "list", "table", "inet", ruleset.table.name).orThrow()
                    #expect(
                        try loaded.run("nft", "list", "table", "inet", ruleset.table.name).orThrow() == listing,
                        "policy \(number)")
                    let again = "delete table inet \(ruleset.table.name)\n" + listing
                    try loaded.run("nft", "-f", "-", input: again).orThrow()
                    #expect(
                        try loaded.run("nft", "list", "table", "inet", ruleset.table.name).orThrow() == listing,
                        "policy \(number), loaded again")
                }
            }
        }
    }

    // MARK: An account of the difference that shares no code with what it judges

    /// How many things are in one and not in the other, a rule that is replaced counted once.
    private static func distance(_ old: LinearRuleset, _ new: LinearRuleset) -> Int {
        var count = 0
        count += Set(old.counters).symmetricDifference(Set(new.counters)).count
        count += Set(old.limits).symmetricDifference(Set(new.limits)).count
        let (oldSets, newSets) = (elements(old), elements(new))
        for name in Set(oldSets.keys).union(newSets.keys) {
            switch (oldSets[name], newSets[name]) {
            case (.some(let before), .some(let after)): count += before.symmetricDifference(after).count
            case (.some, nil): count += 1
            case (nil, .some(let after)): count += 1 + after.count
            case (nil, nil): break
            }
        }
        let (oldChains, newChains) = (rules(old), rules(new))
        for name in Set(oldChains.keys).union(newChains.keys) {
            if oldChains[name] == nil || newChains[name] == nil { count += 1 }
            count += editDistance(oldChains[name] ?? [], newChains[name] ?? [])
        }
        return count
    }

    private static func elements(_ ruleset: LinearRuleset) -> [String: Set<String>] {
        var result: [String: Set<String>] = [:]
        for set in ruleset.sets {
            switch set.elements {
            case .ipv4(let addresses): result[set.name] = Set(addresses.ranges.map(\.text))
            case .ipv6(let addresses): result[set.name] = Set(addresses.ranges.map(\.text))
            case .keyed(let elements): result[set.name] = Set(elements.map { "\($0)" })
            }
        }
        return result
    }

    private static func rules(_ ruleset: LinearRuleset) -> [String: [String]] {
        Dictionary(
            ruleset.chains.map { ($0.name, $0.rules.map { "\($0.expressions) \($0.comment ?? "")" }) }
        ) { first, _ in first }
    }

    /// Levenshtein's: insertions, deletions and replacements, each for one.
    private static func editDistance(_ old: [String], _ new: [String]) -> Int {
        var row = Array(0...new.count)
        for (index, left) in old.enumerated() {
            var diagonal = row[0]
            row[0] = index + 1
            for (column, right) in new.enumerated() {
                let above = row[column + 1]
                row[column + 1] = left == right ? diagonal : 1 + min(diagonal, above, row[column])
                diagonal = above
            }
        }
        return row[new.count]
    }
}
