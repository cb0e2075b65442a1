public import Diagnostics

/// Diagnostics for a person.
public struct DiagnosticText: Sendable {
    public enum Style: String, CaseIterable, Sendable {
        /// With the lines of the source and marks under what is wrong.
        case full
        /// A line each, `file:line:column: severity[code]: headline`, as editors parse it.
        case concise
    }

    public enum Coloring: Sendable {
        case plain
        case ansi
    }

    public var style: Style
    public var coloring: Coloring

    public init(_ style: Style, coloring: Coloring = .plain) {
        self.style = style
        self.coloring = coloring
    }

    /// Every line ends with a newline; no diagnostics, no text.
    public func render(_ diagnostics: [Diagnostic], sources: [SourceText]) -> String {
        switch style {
        case .concise:
            return diagnostics.map { concise($0) }.joined()
        case .full:
            let excerpt = Excerpt(diagnostics, sources: sources)
            return diagnostics.map { full($0, excerpt) + "\n" }.joined() + summary(diagnostics)
        }
    }

    private func concise(_ diagnostic: Diagnostic) -> String {
        "\(place(diagnostic.span)): \(title(diagnostic)): \(printable(diagnostic.headline))\n"
    }

    private func full(_ diagnostic: Diagnostic, _ excerpt: Excerpt) -> String {
        var blocks: [(file: String, marks: [Mark])] = [
            (diagnostic.span.file, [Mark(span: diagnostic.span, message: "", isPrimary: true)])
        ]
        for annotation in diagnostic.annotations {
            let mark = Mark(span: annotation.span, message: annotation.message, isPrimary: false)
            if let place = blocks.firstIndex(where: { $0.file == annotation.span.file }) {
                blocks[place].marks.append(mark)
            } else {
                blocks.append((annotation.span.file, [mark]))
            }
        }
        let numbers = blocks.flatMap { $0.marks.map { $0.span.start.line } }
        let width = String(numbers.max() ?? 1).count
        let indent = String(repeating: " ", count: width)
        var text = "\(title(diagnostic)): \(bold(printable(diagnostic.headline)))\n"
        for (index, block) in blocks.enumerated() {
            let first = block.marks[0].span
            text += "\(indent)\(dim(index == 0 ? "-->" : ":::")) \(place(first))\n"
            text += excerptLines(block.marks, excerpt, indent: indent)
        }
        if let expected = diagnostic.expected { text += "\(indent) \(dim("=")) expected: \(printable(expected))\n" }
        if let help = diagnostic.help { text += "\(indent) \(dim("=")) help: \(printable(help))\n" }
        for detail in diagnostic.details { text += "\(indent) \(dim("|")) \(printable(detail))\n" }
        return text
    }

    private func excerptLines(_ marks: [Mark], _ excerpt: Excerpt, indent: String) -> String {
        let marks = marks.sorted { ($0.span.start, $0.isPrimary ? 0 : 1) < ($1.span.start, $1.isPrimary ? 0 : 1) }
        var text = ""
        var shown: Int?
        for mark in marks {
            let number = mark.span.start.line
            guard let line = excerpt.line(number, of: mark.span.file) else { continue }
            if shown == nil { text += "\(indent) \(dim("|"))\n" }
            let window = Window(line: line, span: mark.span)
            if shown != number || window.isCut {
                if let shown, number > shown + 1 { text += "\(dim("..."))\n" }
                let label = String(repeating: " ", count: indent.count - String(number).count) + String(number)
                text += trimmingBlanks("\(dim("\(label) |")) \(window.text)") + "\n"
                shown = number
            }
            let underline = String(repeating: mark.isPrimary ? "^" : "-", count: window.width)
            let marked = mark.isPrimary ? strong(underline) : dim(underline)
            let message = mark.message.isEmpty ? "" : " " + printable(mark.message)
            text += "\(indent) \(dim("|")) \(String(repeating: " ", count: window.indent))\(marked)\(message)\n"
        }
        if shown != nil { text += "\(indent) \(dim("|"))\n" }
        return text
    }

    private func summary(_ diagnostics: [Diagnostic]) -> String {
        let counts = Diagnostic.Severity.allCases.compactMap { severity -> String? in
            let count = diagnostics.count { $0.severity == severity }
            return count == 0 ? nil : "\(count) \(severity.rawValue)\(count == 1 ? "" : "s")"
        }
        return counts.isEmpty ? "" : counts.joined(separator: ", ") + "\n"
    }

    private struct Mark {
        var span: Span
        var message: String
        var isPrimary: Bool
    }

    private func place(_ span: Span) -> String {
        "\(printable(span.file)):\(span.start.line):\(span.start.column)"
    }

    private func title(_ diagnostic: Diagnostic) -> String {
        let text = "\(diagnostic.severity.rawValue)[\(diagnostic.code.rawValue)]"
        switch diagnostic.severity {
        case .error: return colored(text, "1;31")
        case .warning: return colored(text, "1;33")
        case .note: return colored(text, "1;36")
        }
    }

    private func bold(_ text: String) -> String { colored(text, "1") }
    private func dim(_ text: String) -> String { colored(text, "34") }
    private func strong(_ text: String) -> String { colored(text, "1;31") }

    private func colored(_ text: String, _ code: String) -> String {
        switch coloring {
        case .plain: text
        case .ansi: "\u{1b}[\(code)m\(text)\u{1b}[0m"
        }
    }
}

/// A text of a file's must not move the cursor of whoever reads about it.
private func printable(_ text: String) -> String {
    guard text.unicodeScalars.contains(where: { $0.isControl }) else { return text }
    return text.unicodeScalars.map { $0.isControl ? $0.escaped : String($0) }.joined()
}

private func trimmingBlanks(_ text: String) -> String {
    var text = text[...]
    while text.last == " " { text.removeLast() }
    return String(text)
}

/// The lines that diagnostics speak of, gathered in one pass a file.
private struct Excerpt {
    private var lines: [String: [Int: String]] = [:]

    init(_ diagnostics: [Diagnostic], sources: [SourceText]) {
        var wanted: [String: Set<Int>] = [:]
        for diagnostic in diagnostics {
            for span in [diagnostic.span] + diagnostic.annotations.map({ $0.span }) {
                wanted[span.file, default: []].insert(span.start.line)
            }
        }
        for source in sources {
            guard let numbers = wanted[source.file] else { continue }
            lines[source.file] = source.lines(numbers)
        }
    }

    func line(_ number: Int, of file: String) -> String? {
        guard let line = lines[file]?[number] else { return nil }
        // The place of a file as a whole is its first character, and an empty line has nothing to show.
        return line.isEmpty && number == 1 ? nil : line
    }
}

/// As much of a line as a terminal shows, and where the marks go under it.
private struct Window {
    private static let maximumWidth = 110

    var text = ""
    var indent = 0
    var width = 1
    var isCut = false

    init(line: String, span: Span) {
        let scalars = Array(line.unicodeScalars)
        let start = min(max(span.start.column - 1, 0), scalars.count)
        let isOneLine = span.end.line == span.start.line
        let end = isOneLine ? min(max(span.end.column - 1, start), scalars.count) : Self.lastInk(scalars, from: start)
        var first = 0
        var last = scalars.count
        if scalars.count > Self.maximumWidth {
            first = max(0, min(start - Self.maximumWidth / 3, scalars.count - Self.maximumWidth))
            last = min(scalars.count, first + Self.maximumWidth)
            isCut = true
        }
        if first > 0 { append("…") }
        var marked = 0
        for index in first..<last {
            let shown = scalars[index] == "\t" ? "    " : scalars[index].isControl ? scalars[index].escaped : nil
            let columns = shown?.unicodeScalars.count ?? scalars[index].columns
            if index < start { indent += columns } else if index < end { marked += columns }
            if let shown { text += shown } else { text.unicodeScalars.append(scalars[index]) }
        }
        width = max(marked, 1)
        if last < scalars.count { text += "…" }
    }

    private mutating func append(_ sign: String) {
        text += sign
        indent += 1
    }

    private static func lastInk(_ scalars: [Unicode.Scalar], from start: Int) -> Int {
        var end = scalars.count
        while end > start, scalars[end - 1] == " " { end -= 1 }
        return end
    }
}

extension Unicode.Scalar {
    /// The cells of a terminal that it takes: none for a combining mark, two for East Asian wide signs and emoji.
    fileprivate var columns: Int {
        switch properties.generalCategory {
        case .nonspacingMark, .enclosingMark: return 0
        default: break
        }
        switch value {
        case 0x1100...0x115f, 0x2e80...0xa4cf, 0xac00...0xd7a3, 0xf900...0xfaff, 0xfe30...0xfe6f, 0xff00...0xff60,
            0xffe0...0xffe6, 0x1f300...0x1f64f, 0x1f900...0x1f9ff, 0x20000...0x3fffd:
            return 2
        default:
            return 1
        }
    }
}
