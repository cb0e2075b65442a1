internal import Addressing
internal import Diagnostics
internal import YAML

extension Binder {
    private static let expectationExample = "`allow FROM -> TO` or `deny FROM -> TO`"

    /// Read in full, so that a wrong one is seen today. Running them is not possible yet, and nobody may believe that they
    /// ran.
    mutating func bindExpectations(_ node: Node) {
        guard case .sequence(let items) = node.content else {
            findings.add(
                .error(
                    .wrongType, at: node.span, "`expect` is a list, and this is \(node.kind)",
                    expected: "`- allow 203.0.113.5 -> django` lines"))
            return
        }
        let before = findings.count
        for item in items { bindExpectation(item) }
        guard findings.count == before, let first = items.first else { return }
        notSupported(
            "testing the policy with `expect`", at: first.span,
            instead: "remove the section, or comment it out, until it is")
    }

    private mutating func bindExpectation(_ item: Node) {
        guard let text = item.scalarText else {
            findings.add(
                .error(
                    .badExpectation, at: item.span, "an expectation is one line of text, and this is \(item.kind)",
                    expected: Self.expectationExample, help: "write no `:` after `allow` and `deny`"))
            return
        }
        let verb = text.prefix { $0 != " " }
        guard verb == "allow" || verb == "deny" else {
            let words = [
                "accept": "allow", "permit": "allow", "pass": "allow", "drop": "deny", "reject": "deny",
                "refuse": "deny",
            ]
            let near = words[verb.lowercased()] ?? nearestName(to: String(verb), in: ["allow", "deny"])
            report(
                item, "an expectation begins with `allow` or `deny`, not with \(quoted(String(verb)))",
                help: near.map { "did you mean `\($0)`?" })
            return
        }
        let rest = text.dropFirst(verb.count)
        guard let arrow = rest.firstRange(of: " -> ") else {
            report(item, "\(quoted(text)) has no ` -> `", help: "write ` -> ` between the source and the destination")
            return
        }
        checkSource(String(rest[..<arrow.lowerBound].trimmingBlanks), item)
        checkDestination(String(rest[arrow.upperBound...].trimmingBlanks), item)
    }

    private mutating func checkSource(_ text: String, _ item: Node) {
        if text == "anyone" { return }
        if groups[text] != nil {
            groups.use(text)
            return
        }
        if text == "nobody" || text.isEmpty {
            report(
                item, "an expectation speaks of a client, and \(quoted(text)) is none",
                help: "write an address, a group or `anyone`")
            return
        }
        _ = address(text, at: item.isPlain ? item.span.part(of: text, in: item.scalarText) : item.span)
    }

    private mutating func checkDestination(_ text: String, _ item: Node) {
        let span = item.isPlain ? item.span.part(of: text, in: item.scalarText, backwards: true) : item.span
        if services.contains(where: { $0.service.name == text }) { return }
        if text.hasPrefix("host:") {
            checkPort(text.dropFirst("host:".count), span)
        } else if text.hasPrefix("["), let end = text.firstRange(of: "]:") {
            checkAddress(text[text.index(after: text.startIndex)..<end.lowerBound], span)
            checkPort(text[end.upperBound...], span)
        } else if let colon = text.firstIndex(of: ":"), IPAddress(String(text[..<colon])) != nil {
            checkPort(text[text.index(after: colon)...], span)
        } else if text.unicodeScalars.first.map({ ("0"..."9").contains($0) }) == true {
            checkPort(text[...], span)
        } else {
            let names = services.map { $0.service.name }
            findings.add(
                .error(
                    .unknownService, at: span, "there is no service \(quoted(text))",
                    expected: "a service, `PORT[/PROTOCOL]`, `ADDRESS:PORT[/PROTOCOL]` or `host:PORT[/PROTOCOL]`",
                    help: nearestName(to: text, in: names).map { "did you mean `\($0)`?" }))
        }
    }

    private mutating func checkPort(_ text: Substring, _ span: Span) {
        if case .failure(let problem) = PortText.parse(String(text), at: span) { findings.add(problem.diagnostic) }
    }

    private mutating func checkAddress(_ text: Substring, _ span: Span) {
        if IPAddress(String(text)) == nil {
            findings.add(
                .error(
                    .badAddress, at: span, "\(quoted(String(text))) is not an address",
                    expected: "an IPv6 address in the brackets"))
        }
    }

    private mutating func report(_ item: Node, _ headline: String, help: String?) {
        findings.add(.error(.badExpectation, at: item.span, headline, expected: Self.expectationExample, help: help))
    }
}

extension Node {
    /// A plain text stands in the file as it is, so that a part of it has a place of its own.
    fileprivate var isPlain: Bool {
        switch content {
        case .scalar(let scalar): scalar.isPlain
        case .sequence, .mapping: false
        }
    }
}

extension Span {
    fileprivate func part(of text: String, in whole: String?, backwards: Bool = false) -> Span {
        guard let whole, let range = backwards ? whole.ranges(of: text).last : whole.firstRange(of: text) else {
            return self
        }
        let start = whole.unicodeScalars.distance(from: whole.startIndex, to: range.lowerBound)
        return part(start..<start + text.unicodeScalars.count)
    }
}

extension Substring {
    fileprivate var trimmingBlanks: Substring {
        var text = self
        while text.first == " " { text.removeFirst() }
        while text.last == " " { text.removeLast() }
        return text
    }
}
