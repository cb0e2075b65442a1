public import Diagnostics
internal import FoundationEssentials

/// Diagnostics for a program. The schema is documented in `docs/diagnostics/`, and its version changes when a reader of the
/// old one would be misled.
public enum DiagnosticJSON {
    public static let version = 1

    public static func render(_ diagnostics: [Diagnostic]) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        let document = Document(version: version, diagnostics: diagnostics.map { Entry($0) })
        // Texts and numbers only: there is nothing in it that JSON cannot hold.
        guard let bytes = try? encoder.encode(document) else { return "" }
        return String(decoding: bytes, as: UTF8.self) + "\n"
    }

    private struct Document: Encodable {
        var version: Int
        var diagnostics: [Entry]
    }

    private struct Entry: Encodable {
        var annotations: [Note]
        var code: String
        var details: [String]?
        var expected: String?
        var headline: String
        var help: String?
        var severity: String
        var span: Place

        init(_ diagnostic: Diagnostic) {
            annotations = diagnostic.annotations.map { Note(message: $0.message, span: Place($0.span)) }
            code = diagnostic.code.rawValue
            details = diagnostic.details.isEmpty ? nil : diagnostic.details
            expected = diagnostic.expected
            headline = diagnostic.headline
            help = diagnostic.help
            severity = diagnostic.severity.rawValue
            span = Place(diagnostic.span)
        }
    }

    private struct Note: Encodable {
        var message: String
        var span: Place
    }

    private struct Place: Encodable {
        struct Point: Encodable {
            var column: Int
            var line: Int

            init(_ position: Position) {
                line = position.line
                column = position.column
            }
        }

        var end: Point
        var file: String
        var start: Point

        init(_ span: Span) {
            file = span.file
            start = Point(span.start)
            end = Point(span.end)
        }
    }
}
