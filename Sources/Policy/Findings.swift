internal import Diagnostics

/// What was found so far. Every finding is kept, up to a number that nobody reads to its end; errors and warnings are counted
/// apart, so that warnings never push an error out.
struct Findings {
    static let limit = 1000
    /// Past so many, looking for the nearest name costs more than it helps.
    static let guessingLimit = 20

    private(set) var diagnostics: [Diagnostic] = []
    private var errors = 0
    private var others = 0

    var hasErrors: Bool { errors > 0 }
    var count: Int { errors + others }
    var isWorthGuessing: Bool { count < Self.guessingLimit }

    mutating func add(_ diagnostic: Diagnostic) {
        let before: Int
        switch diagnostic.severity {
        case .error:
            before = errors
            errors += 1
        case .warning, .note:
            before = others
            others += 1
        }
        if before < Self.limit { diagnostics.append(diagnostic) }
    }

    mutating func add(_ more: some Sequence<Diagnostic>) {
        for diagnostic in more { add(diagnostic) }
    }

    /// In the order of the files' reading, and within a file from top to bottom.
    func sorted(files: [String]) -> [Diagnostic] {
        var rank: [String: Int] = [:]
        for file in files where rank[file] == nil { rank[file] = rank.count }
        let order = diagnostics.enumerated().sorted { left, right in
            let leftFile = rank[left.element.span.file] ?? Int.max
            let rightFile = rank[right.element.span.file] ?? Int.max
            if leftFile != rightFile { return leftFile < rightFile }
            if left.element.span.start != right.element.span.start {
                return left.element.span.start < right.element.span.start
            }
            return left.offset < right.offset
        }
        var result = order.map { $0.element }
        let dropped = count - result.count
        if dropped > 0, let last = result.last {
            result.append(
                .init(
                    hasErrors ? .error : .warning, .tooManyErrors, at: last.span, "\(dropped) more are not shown",
                    help: "mend these first; one cause often shows many times"))
        }
        return result
    }
}
