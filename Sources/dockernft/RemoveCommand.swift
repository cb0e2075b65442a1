internal import ArgumentParser
internal import Compiler
internal import Console
internal import Nftables
internal import NftablesKernel
internal import State

struct Remove: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Take our table away, and nothing else.",
        discussion: "What Docker publishes is then as open as Docker leaves it. Asks first, on a terminal.")

    @OptionGroup var kernel: KernelOptions
    @OptionGroup var colour: ColourOptions

    @Flag(help: "Do not ask. Needed where there is no terminal to ask on.")
    var yes = false

    mutating func run() throws {
        let session = try KernelSession(kernel)
        guard let table = try session.header() else {
            return try session.inTurn { try remove(session) }
        }
        guard !LiveTable.isForeign(table) else {
            Console.report(
                "dockernft: the table inet \(Compiler.tableName) was not made by dockernft and stays; "
                    + "'nft delete table inet \(Compiler.tableName)' removes it")
            throw ExitStatus.no
        }
        try confirm()
        try session.inTurn { try remove(session) }
    }

    /// What is kept goes first, so that nobody puts the table back.
    private func remove(_ session: KernelSession) throws {
        session.keepRemoval()
        session.forget()
        guard let table = try session.header(), !LiveTable.isForeign(table) else {
            try Console.print("nothing to do: the kernel has no table inet \(Compiler.tableName)")
            return
        }
        try session.commit([.deleteTable(name: Compiler.tableName)])
        try Console.conclude("removed table inet \(Compiler.tableName): every port that Docker publishes is open again")
    }

    private func confirm() throws {
        if yes { return }
        guard Console.Stream.input.isTerminal else {
            Console.report(
                "dockernft: removing opens every published port; say --yes, for there is no terminal to ask on")
            throw ExitStatus.no
        }
        Console.forgetTyped()
        Console.report("This opens every port that Docker publishes. Remove table inet \(Compiler.tableName)? [y/N]")
        guard let answer = readLine(), ["y", "yes"].contains(answer.lowercased()) else {
            Console.report("nothing was removed")
            throw ExitStatus.no
        }
    }
}
