internal import ArgumentParser
internal import Compiler
internal import Console
internal import Nftables
internal import NftablesKernel
internal import Policy
internal import Presentation
internal import State

struct ShowHistory: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "history",
        abstract: "List the policies that were applied last, or print one of them.",
        discussion: """
            The last \(History.capacity) are kept whole, with the files that they name. 'dockernft apply --rollback-to' puts one in force.
            """)

    @Option(
        help: ArgumentHelp(
            "Print the text of this policy: by its number, or by the beginning of its digest.", valueName: "entry"))
    var show: String?

    @Option(help: ArgumentHelp("With --show: print this file of it instead.", valueName: "file"))
    var file: String?

    @OptionGroup var kernel: KernelOptions
    @OptionGroup var output: OutputOptions

    func validate() throws {
        if file != nil, show == nil { throw ValidationError("--file goes with --show") }
        if show != nil, output.json {
            throw ValidationError("--show prints the file itself: --json does not go with it")
        }
    }

    mutating func run() throws {
        if let show { return try printText(of: PastPolicy(show, in: kernel.history).entry) }
        let entries = try PastPolicy.listing(kernel.history).entries
        let current = (try? KernelSession(kernel)).flatMap { $0.current(among: entries) }
        let history = PolicyHistory(
            entries.map { entry in
                PolicyHistory.Entry(
                    number: entry.number, appliedAt: entry.time, path: entry.texts.path,
                    files: entry.texts.files.keys.sorted(),
                    services: PolicyFile(entry.texts).policy.map {
                        $0.services.count + ($0.host?.services.count ?? 0)
                    },
                    digest: "sha256:\(entry.texts.digest)", standing: entry.number == current ? .inForce : .past)
            })
        try Console.print(output.json ? try history.json() : history.text(kept: kernel.history.path))
    }

    private func printText(of entry: History.Entry) throws {
        let name = file ?? entry.texts.path
        guard let bytes = entry.texts.files[name] else {
            Console.report(
                "dockernft: entry \(entry.number) has no file \(name); it has "
                    + entry.texts.files.keys.sorted().joined(separator: ", "))
            throw ExitStatus.no
        }
        try Console.write(bytes)
        guard file == nil else { return }
        for other in entry.texts.files.keys.sorted() where other != name {
            Console.report("dockernft: note: it names another file: \(entry.command(toShow: other))")
        }
    }
}

extension KernelSession {
    /// The number of the entry that is in force; nil where none is, or where that may not be looked at.
    fileprivate func current(among entries: [History.Entry]) -> UInt64? {
        guard let table = try? outline(), !LiveTable.isForeign(table.ruleset.table) else { return nil }
        // What was asked for last: Docker may have changed since what becomes of it.
        if case .inForce(let texts)? = namespaceCookie.flatMap({ directory.policy(namespace: $0) })?.wish {
            return entries.first { $0.texts.isSame(as: texts) }?.number
        }
        let digest = PolicyDigest.hexadecimal(of: table.ruleset)
        return entries.first { $0.texts.digest == digest }?.number
    }
}
