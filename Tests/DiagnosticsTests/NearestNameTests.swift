import Diagnostics
import Testing

@Suite("The nearest name")
struct NearestNameTests {
    @Test(
        "is the one that was likely meant",
        arguments: [
            ("ofice", "office"), ("offcie", "office"), ("Office", "office"), ("partner", "partners"),
            ("satff", "staff"),
            ("buro", "büro"),
        ] as [(String, String)])
    func near(name: String, meant: String) {
        let candidates = ["office", "partners", "staff", "büro"]
        #expect(nearestName(to: name, in: candidates) == meant)
    }

    @Test("is none when nothing is near, or nothing was written")
    func far() {
        #expect(nearestName(to: "a", in: ["b"]) == nil)
        #expect(nearestName(to: "warehouse", in: ["office", "staff"]) == nil)
        #expect(nearestName(to: "", in: ["a"]) == nil)
        #expect(nearestName(to: "office", in: []) == nil)
        #expect(nearestName(to: "office", in: ["office"]) == nil)
        #expect(nearestName(to: String(repeating: "x", count: 100_000), in: ["x"]) == nil)
    }

    @Test("is the first in order of equals, however they are listed")
    func ties() {
        #expect(nearestName(to: "web", in: ["wed", "wec"]) == "wec")
        #expect(nearestName(to: "web", in: ["wec", "wed"]) == "wec")
    }
}

@Suite("A source text")
struct SourceTextTests {
    private let source = SourceText(file: "f", bytes: Array("\u{feff}one\r\nzwö\n\nlast".utf8))

    @Test("hands out lines without their ends")
    func lines() {
        #expect(source.lines([1, 2, 3, 4, 5]) == [1: "one", 2: "zwö", 3: "", 4: "last"])
        #expect(source.lines([]) == [:])
        #expect(SourceText(file: "f", bytes: []).lines([1]) == [1: ""])
    }

    @Test("counts columns in characters")
    func positions() {
        #expect(source.position(ofByte: 3) == Position(line: 1, column: 1))
        #expect(source.position(ofByte: 12) == Position(line: 2, column: 4))
        #expect(source.position(ofByte: 9_999) == Position(line: 4, column: 5))
    }

    @Test("is cited without what would move the cursor")
    func quoting() {
        #expect(quoted("a\u{1b}[2Jb\n\u{202e}") == "`a\\u{1b}[2Jb\\n\\u{202e}`")
        #expect(quoted("abcdef", limit: 3) == "`abc…`")
    }

    @Test("has parts with places of their own, unless it has many lines")
    func parts() {
        let span = Span(file: "f", start: Position(line: 2, column: 5), end: Position(line: 2, column: 15))
        #expect(
            span.part(2..<4) == Span(file: "f", start: Position(line: 2, column: 7), end: Position(line: 2, column: 9)))
        #expect(span.part(2..<40) == span)
    }
}

@Suite("A code")
struct CodeTests {
    @Test("is written in lower case and hyphens, as its page is named", arguments: Diagnostic.Code.allCases)
    func spelling(code: Diagnostic.Code) {
        #expect(
            code.rawValue.utf8.allSatisfy { (0x61...0x7a).contains($0) || $0 == 0x2d || (0x30...0x39).contains($0) })
    }
}
