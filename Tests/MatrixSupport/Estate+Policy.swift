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
        _ = try connection.apply(Compiler.compile(policy).linearized())
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
        try .reading(policy(form), against: form.knowsDocker ? inventory() : nil)
    }
}
