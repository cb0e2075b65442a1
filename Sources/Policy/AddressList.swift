internal import Addressing
internal import Diagnostics

/// A list file: an address, a CIDR or a range a line, `#` begins a comment. Nothing is allocated for a line that is right.
struct AddressList {
    /// Room for a million of the longest ranges.
    static let maximumSize = 128 << 20
    static let maximumAddresses = 1_000_000
    /// The lines that are shown of a file that is wrong from end to end.
    static let maximumDiagnostics = 10

    private(set) var ranges = AddressRanges()
    private(set) var diagnostics: [Diagnostic] = []
    private var wrongLines = 0

    init(_ source: SourceText) {
        let text = source.bytes.span
        var line = 1
        var start = source.bytes.starts(with: [0xef, 0xbb, 0xbf]) ? 3 : 0
        let first = start
        while start < text.count {
            var end = start
            var comment: Int?
            while end < text.count, text[end] != 0x0a {
                if text[end] == UInt8(ascii: "#"), comment == nil { comment = end }
                end += 1
            }
            let entry = text.extracting(start..<(comment ?? end)).trimmed()
            if entry.count > 0 {
                do {
                    let address = try AddressText(ascii: entry)
                    ranges.append(address)
                    if Self.isSuspect(address) {
                        add(line, start, line == 1 ? first : 0, comment ?? end, source) {
                            AddressAdvice.problem(address, $0, at: $1)
                        }
                    }
                } catch {
                    add(line, start, line == 1 ? first : 0, comment ?? end, source) {
                        AddressAdvice.diagnostic(error, $0, at: $1, expected: "one line: " + AddressAdvice.expected)
                    }
                }
            }
            line += 1
            start = end + 1
        }
        if wrongLines > Self.maximumDiagnostics, let last = diagnostics.last {
            diagnostics.append(
                .init(
                    .error, .tooManyErrors, at: last.span,
                    "\(wrongLines - Self.maximumDiagnostics) more lines of \(quoted(source.file)) are wrong",
                    help: "is it a list of addresses, one a line?"))
        }
    }

    /// The few that `AddressAdvice.problem` may object to, told apart without a text.
    private static func isSuspect(_ address: AddressText) -> Bool {
        switch address {
        case .v4(let range): range.upperBound == 0
        case .v6(let range): range.upperBound == 0 || range.lowerBound >> 32 == 0xffff
        }
    }

    private mutating func add(
        _ line: Int, _ start: Int, _ lineStart: Int, _ end: Int, _ source: SourceText,
        _ diagnostic: (String, Span) -> Diagnostic?
    ) {
        guard wrongLines < Self.maximumDiagnostics else {
            wrongLines += 1
            return
        }
        var low = start
        var high = end
        let blanks: Set<UInt8> = [0x20, 0x09, 0x0d]
        while low < high, blanks.contains(source.bytes[low]) { low += 1 }
        while high > low, blanks.contains(source.bytes[high - 1]) { high -= 1 }
        // What fills a line without end need not be cited to it.
        high = min(high, low + 256)
        let indent = source.bytes[max(start, lineStart)..<low].count { $0 & 0xc0 != 0x80 }
        let text = String(decoding: source.bytes[low..<high], as: UTF8.self)
        let column = 1 + indent
        let span = Span(
            file: source.file, start: Position(line: line, column: column),
            end: Position(line: line, column: column + text.unicodeScalars.count))
        guard let found = diagnostic(text, span) else { return }
        wrongLines += 1
        diagnostics.append(found)
    }
}
