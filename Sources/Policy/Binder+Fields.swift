internal import Diagnostics
internal import YAML

extension Binder {
    mutating func fields(of node: Node, _ owner: String, _ table: KeyTable, example: String? = nil) -> Fields? {
        guard let entries = entries(of: node, owner, example: example) else { return nil }
        var fields = Fields()
        for entry in entries {
            guard table.names.contains(entry.key) else {
                if let meant = reportUnknownKey(entry, owner, table), fields.keys[meant] == nil {
                    // It is not missing as well.
                    fields.keys[meant] = entry.keySpan
                }
                continue
            }
            fields.keys[entry.key] = entry.keySpan
            if entry.value.isNull {
                reportMissingValue(entry)
            } else {
                fields.values[entry.key] = entry.value
            }
        }
        return fields
    }

    mutating func entries(of node: Node, _ owner: String, example: String? = nil) -> [Node.Entry]? {
        if case .mapping(let entries) = node.content { return entries }
        findings.add(
            .error(
                .wrongType, at: node.span, "\(owner) is a mapping, and this is \(node.kind)",
                expected: example ?? "`key: value` lines"))
        return nil
    }

    mutating func reportMissingValue(_ entry: Node.Entry, help: String? = nil) {
        findings.add(
            .error(
                .wrongType, at: entry.keySpan, "\(quoted(entry.key)) has no value", expected: "a value after the `:`",
                help: help ?? Self.missingValueHelp[entry.key] ?? "write a value, or remove the key"))
    }

    private static let missingValueHelp = [
        "allow": "write `allow: anyone` to open it to all, or `allow: nobody` to close it",
        "publish": "write `publish: 8081` with the host's port, the left side of docker's `-p`",
        "groups": "remove the key, or write `groups: {}`",
        "services": "remove the key, or write `services: {}`: nobody is let in then",
    ]

    private mutating func reportUnknownKey(_ entry: Node.Entry, _ owner: String, _ table: KeyTable) -> String? {
        let near = table.meanings[entry.key] ?? nearestName(to: entry.key, in: table.names)
        findings.add(
            .error(
                .unknownKey, at: entry.keySpan, "\(owner) has no key \(quoted(entry.key))",
                expected: table.names.alternatives, help: near.map { "did you mean `\($0)`?" }))
        return near
    }

    /// A word out of a closed choice.
    mutating func choice<Choice: CaseIterable & RawRepresentable<String>>(
        _ node: Node, of type: Choice.Type, _ key: String
    ) -> Choice? {
        if let text = node.scalarText, let choice = Choice(rawValue: text) { return choice }
        let names = Choice.allCases.map { $0.rawValue }
        let meanings = ["deny": "drop", "block": "drop", "allow": "accept", "pass": "accept", "refuse": "reject"]
        let near = node.scalarText.flatMap { text in
            meanings[text.lowercased()].flatMap { names.contains($0) ? $0 : nil } ?? nearestName(to: text, in: names)
                ?? names.first { $0 == text.lowercased() }
        }
        findings.add(
            .error(
                .unknownValue, at: node.span, "`\(key)` cannot be \(node.cited)", expected: names.alternatives,
                help: near.map { "did you mean `\($0)`?" }))
        return nil
    }

    /// `true` or `false`, in no other spelling.
    mutating func flag(_ node: Node, _ key: String) -> Bool? {
        if let text = node.scalarText, let flag = Bool(text) { return flag }
        let isYes = ["yes", "on", "y", "1", "True", "TRUE"].contains(node.scalarText)
        let isNo = ["no", "off", "n", "0", "False", "FALSE"].contains(node.scalarText)
        findings.add(
            .error(
                .unknownValue, at: node.span, "`\(key)` cannot be \(node.cited)", expected: "`true` or `false`",
                help: isYes ? "write `true`" : isNo ? "write `false`" : nil))
        return nil
    }

    /// A list, or one value that stands for a list of itself.
    mutating func items(_ node: Node, emptyHelp: String) -> [Node]? {
        switch node.content {
        case .sequence(let items):
            if items.isEmpty {
                findings.add(
                    .error(
                        .emptyList, at: node.span, "the list is empty", expected: "at least one item", help: emptyHelp))
                return nil
            }
            return items
        case .scalar, .mapping:
            return [node]
        }
    }

    /// Names of groups and services may be any text that a terminal shows as it is.
    mutating func checkName(_ entry: Node.Entry, _ what: String) {
        let name = entry.key
        let problem: (String, String)? =
            if name.utf8.count > 63 {
                ("is longer than 63 bytes", "shorten it")
            } else if name.unicodeScalars.contains(where: { $0.isControl }) {
                ("holds a control character", "remove the control character")
            } else if name.isEmpty {
                ("is empty", "give it a name")
            } else if name.first?.isWhitespace == true || name.last?.isWhitespace == true {
                ("begins or ends with a blank", "remove the blank")
            } else {
                nil
            }
        guard let problem else { return }
        findings.add(
            .error(
                .badName, at: entry.keySpan, "the name \(quoted(name)) of \(what) \(problem.0)",
                expected: "1 to 63 bytes of text without control characters or blanks at its ends", help: problem.1))
    }

    mutating func notSupported(_ what: String, at span: Span, instead: String) {
        findings.add(
            .error(.notSupported, at: span, "\(what) is not supported yet", help: instead))
    }
}

extension Node {
    /// The text, or what it is when it is none.
    var cited: String { scalarText.map { quoted($0) } ?? kind }
}

extension [String] {
    /// `a`, `b` or `c`
    var alternatives: String {
        let names = map { "`\($0)`" }
        guard let last = names.last, names.count > 1 else { return names.first ?? "" }
        return names.dropLast().joined(separator: ", ") + " or " + last
    }
}
