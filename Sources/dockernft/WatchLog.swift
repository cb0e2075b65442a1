internal import Console
internal import FoundationEssentials

/// One line an act: what was done, why, and who gave the reason. The journal writes the time before each line; elsewhere it is
/// written here.
struct WatchLog {
    let isJournal: Bool

    /// systemd says so of its own standard streams: systemd.exec(5), JOURNAL_STREAM.
    init(environment: [String: String]) { isJournal = environment["JOURNAL_STREAM"] != nil }

    func say(_ text: String) {
        Console.report(isJournal ? text : "\(Date().formatted(.iso8601)) dockernft: \(text)")
    }
}
