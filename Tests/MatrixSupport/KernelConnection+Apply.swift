import Compiler
public import Docker
public import Nftables
public import NftablesKernel
public import Policy
public import Reconcile
import TestSupport

extension KernelConnection {
    /// One round of `dockernft apply`.
    public mutating func apply(_ desired: LinearRuleset) throws -> Difference {
        let live = try readTable(named: Compiler.tableName)
        let difference = Difference(from: live?.ruleset, oddities: live?.oddities.map(\.description) ?? [], to: desired)
        try commit(
            Transaction(table: Compiler.tableName, changes: difference.changes, generation: live?.generation))
        return difference
    }

    /// The same for a policy's text.
    public mutating func apply(policy text: String) throws -> Difference {
        try apply(Compiler.compile(ResolvedPolicy.reading(text)).linearized())
    }
}

extension ResolvedPolicy {
    public static func reading(_ text: String, against inventory: Inventory? = nil) throws -> ResolvedPolicy {
        var loaded = load(path: "policy.yaml", files: .inMemory(["policy.yaml": Array(text.utf8)]))
        if let inventory { loaded = loaded.resolved(against: inventory) }
        guard let policy = loaded.policy else { throw BenchError(loaded.diagnostics.map { "\($0)" }.joined()) }
        return policy
    }
}
