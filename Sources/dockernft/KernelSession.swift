internal import Compiler
internal import HostRules
internal import Docker
internal import Files
internal import Nftables
internal import NftablesKernel
internal import State

/// A command's line to one kernel, and what is kept of it between commands.
final class KernelSession {
    let directory: RuntimeDirectory
    let history: History
    let namespacePath: String?
    private var connection: KernelConnection

    init(_ options: KernelOptions) throws(NetlinkError) {
        directory = options.directory
        history = options.history
        namespacePath = options.namespacePath
        connection = try KernelConnection(namespace: options.namespacePath)
    }

    var namespaceCookie: UInt64? { connection.namespaceCookie }

    func hasInterface(named name: String) throws(NetlinkError) -> Bool { try connection.hasInterface(named: name) }

    func generation() throws(NetlinkError) -> UInt32 { try connection.generation() }

    func table() throws(NetlinkError) -> ObservedTable? { try connection.readTable(named: Compiler.tableName) }

    /// Every table there is, whoever made it.
    func host() throws(NetlinkError) -> HostRuleset { try connection.readHost() }

    /// Without what its sets hold.
    func outline() throws(NetlinkError) -> ObservedTable? {
        try connection.readTable(named: Compiler.tableName, elements: .none)
    }

    /// Without anything that is in it: to be had however often others commit.
    func header() throws(NetlinkError) -> Table? { try connection.readHeader(ofTable: Compiler.tableName) }

    func commit(_ changes: [Change], at generation: UInt32? = nil) throws(NetlinkError) {
        try connection.commit(Transaction(table: Compiler.tableName, changes: changes, generation: generation))
    }

    /// Of the socket, by which a monitor tells our commits from those of others.
    var port: UInt32 { connection.port }

    // MARK: The record of the last apply

    /// For whoever stays: what it has made or checked itself, as long as nobody else has touched the table.
    private var trusted: AppliedRecord?

    /// What was applied last, where that can still be told.
    func record() -> AppliedRecord? { trusted ?? namespaceCookie.flatMap { directory.record(namespace: $0) } }

    func keep(_ record: AppliedRecord) throws(File.Failure) {
        trusted = record
        try directory.keep(record)
    }

    /// Somebody has touched the table, or may have.
    func distrust() { trusted = nil }

    /// A commit that has led to this generation has not touched the table.
    func trust(through generation: UInt32) {
        guard let known = trusted?.place.generation, KernelConnection.generation(after: known) == generation else {
            return
        }
        trusted?.place.generation = generation
    }

    /// What Docker ran at the last apply, where that is still known.
    var inventory: Inventory? { namespaceCookie.flatMap { directory.inventory(namespace: $0) } }

    func keep(_ inventory: Inventory) throws(File.Failure) {
        guard let namespaceCookie else { return }
        try directory.keep(inventory, namespace: namespaceCookie)
    }

    func forgetInventory() {
        if let namespaceCookie { directory.forgetInventory(namespace: namespaceCookie) }
    }

    func forget() {
        trusted = nil
        if let namespaceCookie { directory.forget(namespace: namespaceCookie) }
    }
}
