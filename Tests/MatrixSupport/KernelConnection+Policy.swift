import Compiler
import Nftables
import NftablesKernel
import Policy
import Reconcile
import TestSupport

extension DockerHost {
    /// What `dockernft apply` does, with what Docker runs given as a value.
    func apply(_ policy: ResolvedPolicy) throws {
        var connection = try KernelConnection(namespace: namespace.path)
        let live = try connection.readTable(named: Compiler.tableName)
        let difference = Difference(
            from: live?.ruleset, oddities: live?.oddities.map(\.description) ?? [],
            to: Compiler.compile(policy).linearized())
        try connection.commit(
            Transaction(table: Compiler.tableName, changes: difference.changes, generation: live?.generation))
    }

    /// What `dockernft remove` does. Of flows that there were nothing is remembered either.
    func removeTable() throws {
        try run("nft", "delete", "table", "inet", Compiler.tableName).orThrow()
        try run("conntrack", "-F").orThrow()
    }
}

extension Estate {
    /// The policy of a form, followed to what runs where Docker is asked.
    func resolved(_ form: Form) throws -> ResolvedPolicy {
        var loaded = ResolvedPolicy.load(
            path: "policy.yaml", files: .inMemory(["policy.yaml": Array(policy(form).utf8)]))
        if form.knowsDocker { loaded = loaded.resolved(against: try inventory()) }
        guard let policy = loaded.policy else { throw BenchError(loaded.diagnostics.map { "\($0)" }.joined()) }
        return policy
    }
}
