/// The policies that were applied, the newest first, as a person or a program reads of them.
public struct PolicyHistory: Sendable {
    public struct Entry: Sendable, Encodable {
        public enum Standing: String, Sendable, Encodable {
            case inForce
            /// In force until another is taken back or confirmed.
            case onTrial
            /// What is in force again when the one on trial is taken back.
            case beforeTrial
            case past
        }

        public var number: UInt64
        public var appliedAt: String
        public var path: String
        public var files: [String]
        /// Nil where this version cannot read it.
        public var services: Int?
        public var digest: String
        public var standing: Standing

        public init(
            number: UInt64, appliedAt: String, path: String, files: [String], services: Int?, digest: String,
            standing: Standing
        ) {
            self.number = number
            self.appliedAt = appliedAt
            self.path = path
            self.files = files
            self.services = services
            self.digest = digest
            self.standing = standing
        }
    }

    public var entries: [Entry]
    /// What is said of a policy that is on trial and no entry yet.
    public var trial: String?

    public init(_ entries: [Entry], trial: String?) {
        self.entries = entries
        self.trial = trial
    }

    /// Version 1 of the schema that docs/json.md describes.
    private struct Document: Encodable {
        var version = 1
        var entries: [Entry]
    }

    public func json() throws -> String { try JSONText.encode(Document(entries: entries)) }

    /// `kept` is where, for whoever finds nothing.
    public func text(kept: String) -> String {
        let lines = entries.isEmpty ? ["nothing is kept in \(kept) of what was applied"] : entryLines
        return (lines + [trial].compactMap(\.self)).joined(separator: "\n")
    }

    private var entryLines: [String] {
        let width = entries.map { "\($0.number)".count }.max() ?? 0
        return entries.map { $0.line(width: width) }
    }
}

extension PolicyHistory.Entry {
    fileprivate func line(width: Int) -> String {
        let number = "\(number)"
        let mark =
            switch standing {
            case .inForce: "in force"
            case .onTrial: "on trial"
            case .beforeTrial: "before  "
            case .past: "        "
            }
        let services = services.map { "\($0) service\($0 == 1 ? "" : "s")" } ?? "cannot be read"
        let others = files.count > 1 ? " and \(files.count - 1) more file\(files.count == 2 ? "" : "s")" : ""
        let padding = String(repeating: " ", count: width - number.count)
        return "\(padding)\(number)  \(appliedAt)  \(mark)  \(path)\(others), \(services), \(digest.prefix(19))"
    }
}
