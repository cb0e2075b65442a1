import Diagnostics
import Testing
import YAML

private func parse(_ text: String) -> (root: Node?, diagnostics: [Diagnostic]) {
    Node.parse(SourceText(file: "f", bytes: Array(text.utf8)))
}

/// The tree as one line, plain texts bare and others in quotes.
private func outline(_ node: Node) -> String {
    switch node.content {
    case .scalar(let scalar): scalar.isPlain ? scalar.text : "\"\(scalar.text)\""
    case .sequence(let items): "[" + items.map(outline).joined(separator: ", ") + "]"
    case .mapping(let entries): "{" + entries.map { "\($0.key): \(outline($0.value))" }.joined(separator: ", ") + "}"
    }
}

private func place(_ span: Span) -> String {
    "\(span.start.line):\(span.start.column)-\(span.end.line):\(span.end.column)"
}

@Suite("A tree")
struct NodeTests {
    @Test(
        "keeps order, quoting and text as written",
        arguments: [
            ("a: 1\nb: 'x'\n", "{a: 1, b: \"x\"}"), ("[a, \"b\", {c: d}]", "[a, \"b\", {c: d}]"),
            ("on: off\nno: 22:22\n0o7: ~", "{on: off, no: 22:22, 0o7: ~}"), ("a:\n- 1\n-\n", "{a: [1, ]}"),
            ("a: &x [1]\nb: *x", "{a: [1], b: [1]}"), ("a: |\n  x\n  y\n", "{a: \"x\ny\n\"}"),
            ("- 2001:db8::/32\n- ::1\n", "[2001:db8::/32, ::1]"),
        ])
    func trees(text: String, expected: String) throws {
        let (root, diagnostics) = parse(text)
        #expect(diagnostics == [])
        #expect(outline(try #require(root)) == expected)
    }

    @Test("knows where each part begins and ends")
    func spans() throws {
        let root = try #require(parse("ü: [a, \"b c\"]\nmap:\n  k: v\n\n# end\n").root)
        guard case .mapping(let entries) = root.content, case .sequence(let items) = entries[0].value.content else {
            Issue.record("not a mapping of a list")
            return
        }
        #expect(place(root.span) == "1:1-3:7")
        #expect(place(entries[0].keySpan) == "1:1-1:2")
        #expect(place(entries[0].value.span) == "1:4-1:14")
        #expect(items.map { place($0.span) } == ["1:5-1:6", "1:8-1:13"])
        #expect(place(entries[1].value.span) == "3:3-3:7")
    }

    @Test("ends where an alias does, though what it stands for was written before")
    func aliasSpan() throws {
        let root = try #require(parse("a: &x [1]\nb:\n  c: *x\n").root)
        #expect(place(root.span) == "1:1-3:8")
    }

    @Test(
        "is refused with a reason",
        arguments: [
            ("a: [1", Diagnostic.Code.yamlSyntax), ("\ta: 1", .tabCharacter), ("a: 1\na: 2", .duplicateKey),
            ("a: 1\n---\nb: 2", .severalDocuments), ("a: !!str x", .yamlTag), ("a: *b", .unknownAlias),
            ("a: &a [*a]", .unknownAlias), ("<<: {a: 1}", .mergeKey), ("[a]: b", .keyNotText), (": b", .yamlSyntax),
            ("a: [::/0]", .unquotedAddress), ("a: [::]", .unquotedAddress), ("a: [::1, b]", .unquotedAddress),
            ("a: [x, fe80::]", .unquotedAddress), ("{a: ::/0}", .unquotedAddress), ("", .emptyFile),
            ("# x\n", .emptyFile),
            ("---\n", .emptyFile), ("~", .controlCharacter), ("a: \u{7f}", .controlCharacter),
            ("a: \u{2028}", .controlCharacter),
            ("a: x\rb: y", .controlCharacter), ("a: \u{feff}", .controlCharacter),
            ("%YAML 3.0\n---\na: 1", .yamlSyntax),
        ])
    func refused(text: String, code: Diagnostic.Code) {
        let text = text == "~" ? "a: \u{0}" : text
        #expect(parse(text).diagnostics.map { $0.code } == [code])
    }

    @Test("of bytes that are no UTF-8 says which byte, and of UTF-16 that it is")
    func encodings() {
        let latin = Node.parse(SourceText(file: "f", bytes: Array("a: b\nü: ".utf8) + [0xfc, 0x0a]))
        #expect(latin.diagnostics.map { $0.code } == [.notUTF8])
        #expect(latin.diagnostics.map { place($0.span) } == ["2:4-2:5"])
        #expect(latin.diagnostics.first?.headline == "the byte 0xfc is not UTF-8 here")
        let wide = Node.parse(SourceText(file: "f", bytes: [0xff, 0xfe, 0x61, 0x00]))
        #expect(wide.diagnostics.first?.headline == "`f` is UTF-16")
    }

    @Test("goes on after an error that leaves the rest readable")
    func recovery() throws {
        let (root, diagnostics) = parse("a: !x 1\na: 2\n<<: {b: 3}\n[c]: 4\nd: 5\n")
        #expect(diagnostics.map { $0.code } == [.yamlTag, .duplicateKey, .mergeKey, .keyNotText])
        #expect(outline(try #require(root)) == "{a: 1, d: 5, b: 3}")
    }

    @Test("of brackets without end is refused", .timeLimit(.minutes(1)))
    func brackets() {
        #expect(parse(String(repeating: "[", count: 1 << 20)).diagnostics.map { $0.code } == [.nestingDepth])
        #expect(parse(String(repeating: "{a: ", count: 1 << 18)).diagnostics.map { $0.code } == [.nestingDepth])
        #expect(parse(String(repeating: "- ", count: 1 << 18)).diagnostics.map { $0.code } == [.nestingDepth])
    }
}
