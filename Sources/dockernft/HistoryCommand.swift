internal import ArgumentParser
internal import Compiler
internal import Confirmation
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
        let present = (try? KernelSession(kernel)).map { $0.present(among: entries) } ?? Present()
        let history = PolicyHistory(
            entries.map { entry in
                PolicyHistory.Entry(
                    number: entry.number, appliedAt: entry.time, path: entry.texts.path,
                    files: entry.texts.files.keys.sorted(),
                    services: PolicyFile(entry.texts).policy.map {
                        $0.services.count + ($0.host?.services.count ?? 0)
                    },
                    digest: "sha256:\(entry.texts.digest)", standing: present.standing(of: entry.number))
            }, trial: present.trial)
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

/// The numbers of the entries that are something now; nil where none is, or where that may not be looked at.
private struct Present {
    /// In force, or to be in force again when a trial is over.
    var settled: UInt64?
    var onTrial: UInt64?
    /// Whether the rules of `settled` decide now.
    var isTrial = false
    /// Said where what is on trial is no entry.
    var trial: String?

    func standing(of number: UInt64) -> PolicyHistory.Entry.Standing {
        if number == onTrial { return .onTrial }
        guard number == settled else { return .past }
        return isTrial ? .beforeTrial : .inForce
    }
}

extension KernelSession {
    fileprivate func present(among entries: [History.Entry]) -> Present {
        guard let table = try? outline(), !LiveTable.isForeign(table.ruleset.table) else { return Present() }
        var present = Present(settled: settled(among: entries, table))
        guard let waiting = WaitingTable(in: table.ruleset), let remaining = waiting.remaining else { return present }
        present.isTrial = true
        let digest = Compiler.digest(of: waiting.next)
        let texts = waitingTexts(digest: digest)
        present.onTrial = texts.flatMap { texts in entries.first { $0.texts.isSame(as: texts) }?.number }
        if present.onTrial == nil {
            present.trial =
                "\(texts?.path ?? "a policy") is on trial for \(TimeText.duration(remaining)) more, and kept here once it is confirmed"
        }
        return present
    }

    /// The number of the entry that was asked for last.
    private func settled(among entries: [History.Entry], _ table: ObservedTable) -> UInt64? {
        // What was asked for last: Docker may have changed since what becomes of it.
        if case .inForce(let texts)? = namespaceCookie.flatMap({ directory.policy(namespace: $0) })?.wish {
            return entries.first { $0.texts.isSame(as: texts) }?.number
        }
        let digest = (WaitingTable(in: table.ruleset).map(\.plain) ?? table.ruleset).flatMap { Compiler.digest(of: $0) }
        return entries.first { $0.texts.digest == digest }?.number
    }
}
