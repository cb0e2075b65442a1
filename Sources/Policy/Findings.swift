internal import Diagnostics

/// What was found so far. Every error is kept, up to a number that nobody reads to its end.
struct Findings {
    static let limit = 1000

    private(set) var diagnostics: [Diagnostic] = []
    private(set) var dropped = 0

    var hasErrors: Bool { diagnostics.hasErrors }
    var count: Int { diagnostics.count + dropped }

    mutating func add(_ diagnostic: Diagnostic) {
        if diagnostics.count < Self.limit { diagnostics.append(diagnostic) } else { dropped += 1 }
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
        if dropped > 0, let last = result.last {
            result.append(
                .init(
                    .error, .tooManyErrors, at: last.span, "\(dropped) more are not shown",
                    help: "mend these first; one cause often shows many times"))
        }
        return result
    }
}
