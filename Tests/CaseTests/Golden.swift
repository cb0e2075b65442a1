import Foundation
import Testing

/// A file beside a policy that says what it becomes. `DOCKERNFT_GOLDEN=write` rewrites it, and the run that rewrote it fails.
struct Golden {
    let file: URL

    private static let isRewriting = ProcessInfo.processInfo.environment["DOCKERNFT_GOLDEN"] == "write"

    func expect(_ text: String, sourceLocation: SourceLocation = #_sourceLocation) throws {
        let name = "\(file.deletingLastPathComponent().lastPathComponent)/\(file.lastPathComponent)"
        let recorded = try? String(contentsOf: file, encoding: .utf8)
        if recorded == text { return }
        if Self.isRewriting {
            try text.write(to: file, atomically: true, encoding: .utf8)
            Issue.record("\(name) is written anew: look at it, and commit it", sourceLocation: sourceLocation)
            return
        }
        guard let recorded else {
            Issue.record("there is no \(name); DOCKERNFT_GOLDEN=write makes it", sourceLocation: sourceLocation)
            return
        }
        let difference = Self.firstDifference(recorded, text)
        Issue.record("\(name) is not what comes out now:\n\(difference)", sourceLocation: sourceLocation)
    }

    private static func firstDifference(_ recorded: String, _ text: String) -> String {
        let old = recorded.split(separator: "\n", omittingEmptySubsequences: false)
        let new = text.split(separator: "\n", omittingEmptySubsequences: false)
        let index = zip(old, new).prefix { $0 == $1 }.count
        func line(_ lines: [Substring]) -> Substring { index < lines.count ? lines[index] : "(the end)" }
        return "line \(index + 1)\n- \(line(old))\n+ \(line(new))"
    }
}
