internal import Console
internal import Files
internal import FoundationEssentials
internal import State

/// A policy of the history.
struct PastPolicy {
    let entry: History.Entry

    /// `word` is its number or the beginning of its digest. Where there is none, that is reported, and ends the command.
    init(_ word: String, in history: History) throws {
        let listing = try Self.listing(history)
        let digest = word.hasPrefix("sha256:") ? String(word.dropFirst("sha256:".count)) : word
        // A digest that begins like a number is not taken for one: numbers come first.
        let found =
            listing.entries.first { "\($0.number)" == word }
            ?? listing.entries.first { digest.utf8.count >= Self.leastDigits && $0.texts.digest.hasPrefix(digest) }
        guard let found else {
            Console.report(
                listing.entries.isEmpty
                    ? "dockernft: nothing is kept in \(history.path) of what was applied before"
                    : "dockernft: the history has no entry \(word); 'dockernft history' lists those that it has")
            throw ExitStatus.no
        }
        entry = found
    }

    private static let leastDigits = 6

    /// Its entries, what is none being reported.
    static func listing(_ history: History) throws -> History.Listing {
        do throws(File.Failure) {
            let listing = try history.read()
            for name in listing.foreign {
                Console.report("dockernft: note: \(history.path)/\(name) is not an entry of the history, or not whole")
            }
            return listing
        } catch {
            Console.report("dockernft: the history cannot be read: \(error)")
            throw ExitStatus.trouble
        }
    }

    var name: String { "entry \(entry.number) of the history (\(entry.texts.path) of \(entry.time))" }

    func file(_ options: DiagnosticOptions) throws -> PolicyFile {
        let file = PolicyFile(entry.texts)
        guard file.policy != nil else {
            file.report(options)
            throw file.status
        }
        return file
    }

    /// What is in force is not what the files say, and whoever applies them next is not to be surprised.
    func remindOfFiles() {
        let different = entry.texts.files.filter { (try? File.read($0.key)) != $0.value }.keys.sorted()
        guard !different.isEmpty else { return }
        Console.report(
            "dockernft: note: no file is rewritten: the next apply without --rollback-to, and the next start of the machine, take "
                + "\(entry.texts.path) as it is now. To have there what is in force:")
        for file in different { Console.report("  \(entry.command(toShow: file)) > \(file)") }
    }
}

extension History.Entry {
    /// RFC 3339, UTC.
    var time: String { Date(timeIntervalSince1970: Double(appliedAt)).formatted(.iso8601) }

    func command(toShow file: String) -> String {
        "dockernft history --show \(number)" + (file == texts.path ? "" : " --file \(file)")
    }
}
