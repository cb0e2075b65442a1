import Diagnostics
import Presentation
import Testing

@Suite("A rendering")
struct RenderingTests {
    private let diagnostic = Diagnostic.error(
        .duplicateKey, at: Span(file: "p.yaml", start: Position(line: 2, column: 1), end: Position(line: 2, column: 3)),
        "the key `a\u{1b}` is \"twice\"", expected: "once", help: "join/rename",
        annotations: [
            .init(Span(file: "p.yaml", start: Position(line: 1, column: 1), end: Position(line: 1, column: 3)), "first")
        ])

    @Test("for programs has a version, sorted keys and every part")
    func json() {
        let expected = #"""
            {
              "diagnostics" : [
                {
                  "annotations" : [
                    {
                      "message" : "first",
                      "span" : {
                        "end" : {
                          "column" : 3,
                          "line" : 1
                        },
                        "file" : "p.yaml",
                        "start" : {
                          "column" : 1,
                          "line" : 1
                        }
                      }
                    }
                  ],
                  "code" : "duplicate-key",
                  "expected" : "once",
                  "headline" : "the key `a\u001b` is \"twice\"",
                  "help" : "join/rename",
                  "severity" : "error",
                  "span" : {
                    "end" : {
                      "column" : 3,
                      "line" : 2
                    },
                    "file" : "p.yaml",
                    "start" : {
                      "column" : 1,
                      "line" : 2
                    }
                  }
                }
              ],
              "version" : 1
            }

            """#
        #expect(DiagnosticJSON.render([diagnostic]) == expected)
    }

    @Test("is coloured only on demand, and the same text without the colours")
    func colors() {
        let sources = [SourceText(file: "p.yaml", bytes: Array("家a: 1\n\ta: 2\n".utf8))]
        let plain = DiagnosticText(.full).render([diagnostic], sources: sources)
        let colored = DiagnosticText(.full, coloring: .ansi).render([diagnostic], sources: sources)
        #expect(!plain.contains("\u{1b}"))
        #expect(colored.contains("\u{1b}[1;31m"))
        #expect(colored.replacing(/\u{1b}\[[0-9;]*m/, with: "") == plain)
    }

    @Test("marks the cells of wide characters and tabs")
    func wide() {
        let sources = [SourceText(file: "p.yaml", bytes: Array("家a: 1\n\ta: 2\n".utf8))]
        #expect(
            DiagnosticText(.full).render([diagnostic], sources: sources) == """
                error[duplicate-key]: the key `a\\u{1b}` is "twice"
                 --> p.yaml:2:1
                  |
                1 | 家a: 1
                  | --- first
                2 |     a: 2
                  | ^^^^^
                  |
                  = expected: once
                  = help: join/rename

                1 error

                """)
    }

    @Test("does without a source, and cuts a line that is too long")
    func excerpts() {
        let text = DiagnosticText(.full).render([diagnostic], sources: [])
        #expect(!text.contains("|"))
        var far = diagnostic
        far.annotations = []
        far.span.start = Position(line: 1, column: 5_001)
        far.span.end = Position(line: 1, column: 5_004)
        let line = String(repeating: "x", count: 5_000) + "yyy" + String(repeating: "z", count: 5_000)
        let cut = DiagnosticText(.full).render([far], sources: [SourceText(file: "p.yaml", bytes: Array(line.utf8))])
        #expect(cut.contains("yyy"))
        #expect(cut.contains(" ^^^\n"))
        #expect(cut.split(separator: "\n").allSatisfy { $0.count < 130 })
    }

    @Test("is nothing for nothing")
    func nothing() {
        #expect(DiagnosticText(.full).render([], sources: []).isEmpty)
        #expect(DiagnosticText(.concise).render([], sources: []).isEmpty)
    }
}
