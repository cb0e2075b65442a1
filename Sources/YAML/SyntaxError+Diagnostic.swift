internal import Diagnostics

extension SyntaxError {
    /// libyaml's terse word for it, as something that a person can act on.
    func diagnostic(in source: SourceText) -> Diagnostic {
        let start = position(in: source)
        let line = Array((source.lines([start.line])[start.line] ?? "").unicodeScalars)
        let word = Word(in: line, at: start.column - 1)
        let end = Position(line: start.line, column: start.column + 1)
        let span = Span(file: source.file, start: start, end: end)
        if let address = word.unquotedAddress {
            let place = Span(
                file: source.file, start: Position(line: start.line, column: word.range.lowerBound + 1),
                end: Position(line: start.line, column: word.range.upperBound + 1))
            return .error(
                .unquotedAddress, at: place, "YAML cannot read \(quoted(address)) without quotes here",
                expected: "a quoted address", help: "write \"\(address)\"")
        }
        let character = line.indices.contains(start.column - 1) ? line[start.column - 1] : nil
        if character == "\t" || problem.contains("tab character") {
            return .error(
                .tabCharacter, at: span, "a tab stands where YAML wants spaces", expected: "spaces",
                help: "replace the tab by spaces")
        }
        if let conflict = mergeConflict(source, start) { return conflict }
        let (headline, help) = explanation(character: character, word: word.text)
        guard let opening = opening, let position = contextPosition, position <= start else {
            return .error(.yamlSyntax, at: span, headline, help: help, annotations: contextAnnotations(source, start))
        }
        let cause = Span(
            file: source.file, start: position, end: Position(line: position.line, column: position.column + opening))
        let noticed = Diagnostic.Annotation(span, "this does not fit any more")
        return .error(.yamlSyntax, at: cause, headline, help: help, annotations: endsFile(source) ? [] : [noticed])
    }

    /// For what was opened and not closed, the opening is to blame and not the place where libyaml gave up: how many
    /// characters to mark of it.
    private var opening: Int? {
        switch problem {
        case "did not find expected ',' or ']'", "did not find expected ',' or '}'", "could not find expected ':'",
            "did not find expected alphabetic or numeric character", "found unexpected end of stream",
            "found unexpected document indicator":
            1
        default: nil
        }
    }

    private func endsFile(_ source: SourceText) -> Bool {
        position(in: source) >= source.position(ofByte: source.bytes.count)
            || problem == "did not find expected alphabetic or numeric character"
    }

    /// What git leaves in a file, for its markers are among the few texts that make no sense as YAML.
    private func mergeConflict(_ source: SourceText, _ start: Position) -> Diagnostic? {
        let numbers = [contextPosition?.line, start.line].compactMap { $0 }
        let lines = source.lines(Set(numbers))
        for number in numbers {
            let marker = (lines[number] ?? "").prefix(7)
            guard ["<<<<<<<", "=======", ">>>>>>>"].contains(marker) else { continue }
            let span = Span(
                file: source.file, start: Position(line: number, column: 1), end: Position(line: number, column: 8))
            return .error(
                .yamlSyntax, at: span, "a merge conflict is left in the file",
                help: "resolve it, and remove the lines that begin with `<<<<<<<`, `=======` and `>>>>>>>`")
        }
        return nil
    }

    private func position(in source: SourceText) -> Position {
        switch place {
        case .position(let position): position
        case .byte(let offset): source.position(ofByte: offset)
        }
    }

    private func contextAnnotations(_ source: SourceText, _ start: Position) -> [Diagnostic.Annotation] {
        guard let context, let position = contextPosition, position < start else { return [] }
        let what = context.hasPrefix("while parsing a ") ? context.dropFirst("while parsing a ".count) : nil
        let scanned = context.hasPrefix("while scanning a ") ? context.dropFirst("while scanning a ".count) : nil
        let subject =
            switch (what ?? scanned).map(String.init) {
            case "flow sequence": "the list"
            case "flow mapping": "the mapping"
            case "block mapping": "the mapping"
            case "block collection": "the list"
            case "quoted scalar": "the quoted text"
            case "simple key": "the key"
            case "plain scalar": "the text"
            default: ""
            }
        if subject.isEmpty { return [] }
        let end = Position(line: position.line, column: position.column + 1)
        return [.init(Span(file: source.file, start: position, end: end), "\(subject) starts here")]
    }

    private func explanation(character: Unicode.Scalar?, word: String) -> (headline: String, help: String?) {
        switch problem {
        case "did not find expected key":
            ("this line does not belong to the mapping above it", "indent it as its neighbours are")
        case "did not find expected '-' indicator":
            ("this line does not belong to the list above it", "begin it with `- `, or indent it as its neighbours are")
        case "did not find expected ',' or ']'":
            ("the list in brackets is not closed", "put a `,` between its items and a `]` at its end")
        case "did not find expected ',' or '}'":
            ("the mapping in braces is not closed", "put a `,` between its entries and a `}` at its end")
        case "did not find expected node content":
            ("a value is missing here", "write a value, or remove the `,` or `:` before it")
        case "mapping values are not allowed in this context":
            (
                "a second `: ` in one line, or a line that is indented too far",
                "put the text in quotes if the `:` is part of it; else indent the line as its neighbours are"
            )
        case "could not find expected ':'":
            ("this key has no `:` after it", "write `key: value`")
        case "found unexpected ':'":
            ("a `:` cannot stand here without quotes", "put the text in quotes")
        case "found unexpected end of stream":
            ("the file ends inside of a quoted text", "close the quote")
        case "found unexpected document indicator":
            ("a `---` or `...` stands inside of a quoted text", "close the quote before it")
        case "found unknown escape character":
            ("this escape is not one of YAML's", "use single quotes, in which a backslash is only itself")
        case "block sequence entries are not allowed in this context":
            ("a `- ` cannot stand here", "begin the list on a line of its own, below its key")
        case "did not find expected alphabetic or numeric character":
            (
                "\(quoted(word)) begins with a sign that YAML keeps for itself",
                word.hasPrefix("*")
                    ? "to allow everyone, write `anyone`; a text that begins with `*` needs quotes"
                    : "put the text in quotes"
            )
        case "found character that cannot start any token":
            (
                "a text cannot begin with \(quoted(character.map { String($0) } ?? word)) unless it is quoted",
                character == "%" ? "if `{% %}` is a template's, render the template first" : "put the text in quotes"
            )
        case "did not find expected <document start>":
            (
                "this does not belong to the document above it",
                "a policy is one mapping: `key: value` lines from the first column"
            )
        default:
            ("this is not YAML: \(problem)", context.map { "libyaml stopped \($0)" })
        }
    }
}

/// The bare word around a place in a line, as flow lists divide it.
private struct Word {
    var range: Range<Int>
    var text: String

    init(in line: [Unicode.Scalar], at place: Int) {
        let dividers: Set<Unicode.Scalar> = ["[", "]", "{", "}", ",", " ", "\t", "\"", "'", "#"]
        var start = min(max(place, 0), line.count)
        while start > 0, !dividers.contains(line[start - 1]) { start -= 1 }
        var end = start
        while end < line.count, !dividers.contains(line[end]) { end += 1 }
        range = start..<end
        text = ""
        text.unicodeScalars.append(contentsOf: line[range])
    }

    /// An IPv6 address or prefix, which YAML reads as a key and its value.
    var unquotedAddress: String? {
        let hex: Set<Unicode.Scalar> = Set("0123456789abcdefABCDEF:./".unicodeScalars)
        guard text.count >= 2, text.unicodeScalars.allSatisfy({ hex.contains($0) }) else { return nil }
        return text.unicodeScalars.count { $0 == ":" } >= 2 ? text : nil
    }
}
