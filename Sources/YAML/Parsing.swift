public import Diagnostics

extension Node {
    /// 16 MiB, the most YAML that is read.
    public static let maximumSize = 16 << 20

    /// The tree of a YAML text, as far as it could be read, and everything that is wrong with it. Nil when there is an error
    /// past which nothing can be read, or nothing to read.
    public static func parse(_ source: SourceText) -> (root: Node?, diagnostics: [Diagnostic]) {
        if let problem = source.unreadable { return (nil, [problem]) }
        guard let events = EventStream(source.bytes.withoutByteOrderMark) else {
            return (nil, [.error(.yamlSyntax, at: Span(start: source.file), "libyaml could not start: out of memory")])
        }
        var composer = Composer(events, source: source)
        do {
            let root = try composer.document()
            if let root, !root.isNull { return (root, composer.diagnostics) }
            if composer.diagnostics.isEmpty { composer.diagnostics = [source.empty] }
            return (nil, composer.diagnostics)
        } catch {
            return (nil, composer.diagnostics)
        }
    }
}

extension [UInt8] {
    /// libyaml, once told that a text is UTF-8, takes the mark for its first character, and indents by it.
    fileprivate var withoutByteOrderMark: [UInt8] { starts(with: [0xef, 0xbb, 0xbf]) ? Array(dropFirst(3)) : self }
}

extension SourceText {
    fileprivate var empty: Diagnostic {
        .error(
            .emptyFile, at: Span(start: file), "\(quoted(file)) is empty", expected: "a policy",
            help: "start with `version: 1`; to allow nobody, write `services: {}`")
    }

    /// What keeps a text from being YAML at all.
    fileprivate var unreadable: Diagnostic? {
        if bytes.count > Node.maximumSize {
            return .error(
                .fileTooLarge, at: Span(start: file), "\(quoted(file)) has more than 16 MiB",
                expected: "at most 16 MiB of YAML",
                help: "put long lists of addresses into files, one address a line, and name them with `file:`")
        }
        if bytes.isEmpty { return empty }
        return notUTF8 ?? controlCharacter
    }

    /// Also for list files, which share the reasons.
    public var notUTF8: Diagnostic? {
        if bytes.starts(with: [0xff, 0xfe]) || bytes.starts(with: [0xfe, 0xff]) {
            return .error(
                .notUTF8, at: Span(start: file), "\(quoted(file)) is UTF-16", expected: "UTF-8",
                help: "save it as UTF-8, or run `iconv -f UTF-16 -t UTF-8`")
        }
        do {
            _ = try UTF8Span(validating: bytes.span)
            return nil
        } catch {
            let byte = String(bytes[error.byteOffsets.lowerBound], radix: 16)
            return .error(
                .notUTF8, at: span(ofByte: error.byteOffsets.lowerBound), "the byte 0x\(byte) is not UTF-8 here",
                expected: "UTF-8", help: "save the file as UTF-8, or run `iconv -f LATIN1 -t UTF-8`")
        }
    }

    /// libyaml ends a line at NEL, LS and PS too, and no editor does: positions would not be what a person sees.
    private var controlCharacter: Diagnostic? {
        let text = bytes.span
        for index in text.indices {
            let byte = text[index]
            let next = index + 1 < text.count ? text[index + 1] : 0
            let isControl: Bool
            switch byte {
            case 0x20...0x7e, 0x09, 0x0a: continue
            case 0x0d: isControl = next != 0x0a
            case 0...0x1f, 0x7f: isControl = true
            case 0xc2: isControl = next < 0xa0
            case 0xe2:
                let last = index + 2 < text.count ? text[index + 2] : 0
                isControl = next == 0x80 && (last == 0xa8 || last == 0xa9)
            case 0xef:
                let last = index + 2 < text.count ? text[index + 2] : 0
                isControl = next == 0xbb && last == 0xbf && index > 0 || next == 0xbf && last >= 0xbe
            default: continue
            }
            guard isControl else { continue }
            let length = byte < 0x80 ? 1 : byte < 0xe0 ? 2 : 3
            let scalar = String(decoding: bytes[index..<min(index + length, bytes.count)], as: UTF8.self).unicodeScalars
                .first
            return .error(
                .controlCharacter, at: span(ofByte: index),
                "the control character \(scalar.map { $0.escaped } ?? "") cannot stand in a policy",
                help: byte == 0x0d
                    ? "end lines with \\n or \\r\\n" : "remove it; a NUL often means that the file is not a text")
        }
        return nil
    }

    private func span(ofByte offset: Int) -> Span {
        let start = position(ofByte: offset)
        return Span(file: file, start: start, end: Position(line: start.line, column: start.column + 1))
    }
}
