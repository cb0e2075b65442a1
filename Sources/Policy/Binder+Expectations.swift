internal import Addressing
internal import Diagnostics
internal import YAML

extension Binder {
    private static let expectationExample =
        "`allow FROM -> TO`, `deny FROM -> TO` or `nobody but FROM -> TO`"

    mutating func expectations(_ node: Node) -> [Expectation] {
        guard case .sequence(let items) = node.content else {
            findings.add(
                .error(
                    .wrongType, at: node.span, "`expect` is a list, and this is \(node.kind)",
                    expected: "`- allow 203.0.113.5 -> django` lines"))
            return []
        }
        return items.compactMap { expectation($0) }
    }

    private mutating func expectation(_ item: Node) -> Expectation? {
        guard case .scalar(let scalar) = item.content, let text = item.scalarText else {
            findings.add(
                .error(
                    .badExpectation, at: item.span, "an expectation is one line of text, and this is \(item.kind)",
                    expected: Self.expectationExample, help: "write no `:` after `allow` and `deny`"))
            return nil
        }
        let whole = Written(text, at: item.span, isPlain: scalar.isPlain).all
        guard let (claim, rest) = claim(whole) else { return nil }
        guard let arrow = rest.text.firstRange(of: " -> ") else {
            report(
                whole.span, "\(quoted(text)) has no ` -> `",
                help: "write ` -> ` between the source and the destination")
            return nil
        }
        let clients = clients(rest.with(rest.text[..<arrow.lowerBound]))
        let place = rest.with(rest.text[arrow.upperBound...])
        let destination = destination(place)
        guard let clients, let destination else { return nil }
        if clients.addresses.isEmpty, claim != .nobodyBut {
            findings.add(
                .warning(
                    .emptyGroup, at: item.span, "\(quoted(clients.text)) is empty: this tests nothing",
                    help: "is the list complete? that nobody enters is `deny anyone -> \(place.string)`"))
        }
        let question = Question(clients: clients, destination: destination, text: place.string)
        guard question.isPossible else {
            findings.add(
                .error(
                    .mixedFamilies, at: place.span,
                    "\(quoted(place.string)) is of the other address family than \(quoted(clients.text)): "
                        + "none of them can dial it",
                    expected: "clients and an address of one family",
                    help: "a port alone is asked of the addresses of both families"))
            return nil
        }
        return Expectation(claim: claim, question: question, span: item.span)
    }

    private mutating func claim(_ whole: Written.Part) -> (claim: Expectation.Claim, rest: Written.Part)? {
        for claim in Expectation.Claim.allCases where whole.text.hasPrefix(claim.rawValue + " ") {
            return (claim, whole.with(whole.text.dropFirst(claim.rawValue.count)))
        }
        let verb = String(whole.text.prefix { $0 != " " })
        if verb == "nobody" {
            report(
                whole.span, "after `nobody` stands `but`, and who may",
                help: "write `nobody but office -> django`; that nobody at all enters is `deny anyone -> django`")
            return nil
        }
        let words = [
            "accept": "allow", "permit": "allow", "pass": "allow", "drop": "deny", "reject": "deny",
            "refuse": "deny", "only": "nobody but",
        ]
        let near =
            words[verb.lowercased()] ?? nearestName(to: verb, in: ["allow", "deny"])
        report(
            whole.span, "an expectation begins with `allow` or `deny`, not with \(quoted(verb))",
            help: near.map { "did you mean `\($0)`?" })
        return nil
    }

    private mutating func report(_ span: Span, _ headline: String, help: String?) {
        findings.add(.error(.badExpectation, at: span, headline, expected: Self.expectationExample, help: help))
    }
}

extension Question {
    /// Whether any of the clients has an address of the family that is dialled.
    var isPossible: Bool {
        guard case .published(let address?, _) = destination, !clients.addresses.isEmpty else { return true }
        return switch address.family {
        case .ipv4: !clients.addresses.v4.isEmpty
        case .ipv6: !clients.addresses.v6.isEmpty
        }
    }
}
