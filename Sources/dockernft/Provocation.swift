internal import NftablesKernel

/// Why the table is looked at: what has happened since the last look, the newest last.
struct Provocation {
    /// Who has committed something to our table, or may have.
    private(set) var commits = 0
    private var lastAuthor: RulesetCommit.Author?
    private var isUncertain = false
    /// What Docker did.
    private(set) var dockerEvents: [String] = []

    private static let namedEvents = 3

    var isEmpty: Bool { commits == 0 && !isUncertain && dockerEvents.isEmpty }
    /// Whether anybody may have touched the table.
    var concernsTable: Bool { commits > 0 || isUncertain }

    mutating func add(_ commit: RulesetCommit) {
        commits += 1
        lastAuthor = commit.author
    }

    mutating func addUncertainty() { isUncertain = true }

    mutating func add(dockerEvents events: [String]) { dockerEvents = events }

    /// `nft (pid 4711)`, with the number of commits where there are more.
    var author: String {
        guard commits > 0 else { return "somebody: more happened than the kernel could tell" }
        let name = lastAuthor.map(\.description) ?? "somebody whom the kernel does not name"
        return commits == 1 ? name : "\(name), the last of \(commits) commits"
    }

    /// `start web, die web and 3 more`
    var docker: String {
        let named = dockerEvents.suffix(Self.namedEvents).joined(separator: ", ")
        let more = dockerEvents.count - Self.namedEvents
        return more > 0 ? "\(named) and \(more) before" : named
    }
}
