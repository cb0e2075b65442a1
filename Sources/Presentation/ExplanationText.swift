internal import Addressing
public import Diagnostics
internal import Nftables
internal import NftablesFormats
public import Questions
internal import Simulator

/// An answer for a person: the verdict, then each part of the clients with what decides it and what to write for another answer.
public struct ExplanationText {
    public enum Steps: Sendable {
        /// Those that led to the verdict.
        case deciding
        /// Every rule that the packet met.
        case all
    }

    private let explanation: Explanation
    private let steps: Steps
    private let quotes: Quotes

    public init(_ explanation: Explanation, sources: [SourceText], steps: Steps) {
        self.explanation = explanation
        self.steps = steps
        quotes = Quotes(explanation.parts.flatMap(\.decisions).compactMap(\.source), sources)
    }

    private static var mostParts: Int { 16 }

    public var text: String {
        let more = explanation.parts.count - Self.mostParts
        let rest = more > 0 ? ["", "and \(more) more parts: ask of fewer ports, or with --json"] : []
        let parts = explanation.parts.prefix(Self.mostParts).flatMap { [""] + lines($0) }
        return ([headline] + parts + rest).joined(separator: "\n")
    }

    private var headline: String {
        let (from, to) = (explanation.clients, explanation.destination)
        switch explanation.verdict {
        case .allowed: return "allowed: \(from) reaches \(to)"
        case .refused: return "refused: \(from) does not reach \(to)"
        case .differs: return "differs: \(from) reaches \(to) in part"
        case .unknown:
            return
                "not known whether \(from) reaches \(to): \(explanation.obstacle?.text ?? "there is nothing to ask about")"
        }
    }

    private func lines(_ part: Explanation.Part) -> [String] {
        var lines = ["\(part.isAllowed ? "allowed" : "refused") \(part.clients.text())"]
        for way in Way.texts(part.ways) { lines.append("    by      \(way)") }
        for decision in part.decisions {
            lines.append("    rule    \(decision.ruleText)")
            if let source = decision.source { lines.append("    policy  \(quotes.text(source))") }
            if let change = decision.text(allowing: !part.isAllowed, part.clients) {
                lines.append("    change  \(change)")
            }
        }
        if let decision = part.decisions.first {
            lines.append("    \(decision.example) on its way by \(Way.texts([decision.way]).joined()):")
            lines += decision.traceLines(steps).map { "      \($0)" }
        }
        return lines
    }
}

/// Lines of the policy, as they stand there.
private struct Quotes {
    private var lines: [String: [Int: String]] = [:]

    init(_ spans: [Span], _ sources: [SourceText]) {
        for source in sources {
            let numbers = Set(spans.filter { $0.file == source.file }.map(\.start.line))
            if !numbers.isEmpty { lines[source.file] = source.lines(numbers) }
        }
    }

    func text(_ span: Span) -> String {
        let line = lines[span.file]?[span.start.line].map { ": " + quoted($0.trimmingBlanks, limit: 100) } ?? ""
        return span.place + line
    }
}

extension Span {
    /// `policy.yaml:12`
    var place: String { "\(file):\(start.line)" }
}

extension Explanation.Obstacle {
    var text: String {
        switch self {
        case .dockerNotAsked(let service):
            "only Docker knows the ports of \(service), and no container of it is known"
        case .nothingRuns(let service): "no container with a port runs that \(service) stands for"
        case .publishesNothing(let container): "\(container) publishes no port"
        case .hostNetwork(let container):
            "\(container) has the host's network, and Docker does not know its ports: ask of a port"
        case .tooManyWays: "these are too many ports with rules of their own for one answer: ask of fewer"
        case .otherFamily: "none of them has an address of the family that is dialled there"
        case .nobody: "the group is empty, and nobody is asked of"
        case .noInterface: "none of it is reached by the interfaces that they come in by"
        case .proxyNotKnown:
            "the rules would let docker-proxy serve them, and only Docker knows whether it serves this port: ask it with --docker auto"
        case .notUnderstood(let names): "there are rules that cannot be followed: \(names.joined(separator: ", "))"
        }
    }
}

extension Way {
    /// Ways that differ by the path alone are one text.
    static func texts(_ ways: [Way], limit: Int = 8) -> [String] {
        var order: [Way] = []
        var paths: [Way: [Path]] = [:]
        for way in ways {
            var key = way
            key.path = .published
            if way.path == .host || way.path == .direct || way.path == .wire { key.path = way.path }
            if paths[key] == nil { order.append(key) }
            paths[key, default: []].append(way.path)
        }
        let texts = order.map { $0.text(paths[$0] ?? []) }
        return texts.count <= limit ? texts : texts.prefix(limit) + ["\(texts.count - limit) more ways"]
    }

    private func text(_ paths: [Path]) -> String {
        let port = "\(ports.text)/\(transport)"
        var text: String
        switch path {
        case .published, .proxy:
            text = "\(port), published: \(Set(paths).sorted().map(\.words).joined(separator: " and "))"
        case .host: text = "the machine's own \(port)"
        case .direct: text = "a container's own \(port)"
        case .wire: text = "\(port) of a container on the wire"
        }
        if let address {
            text += ", at \(address)"
        } else if isBesideNamed {
            text += ", at any other address"
        }
        if !interfaces.isEmpty { text += ", through \(Self.list(interfaces, "external interface"))" }
        if !bridges.isEmpty { text += ", behind \(Self.list(bridges, "bridge"))" }
        return text
    }

    private static func list(_ names: [String], _ noun: String) -> String {
        names.map { $0 == "other" ? "any other \(noun)" : $0 }.joined(separator: ", ")
    }
}

extension Way.Path {
    fileprivate var words: String {
        switch self {
        case .published: "by DNAT"
        case .proxy: "by docker-proxy"
        case .host, .direct, .wire: "directly"
        }
    }
}

extension Decision {
    /// `inet dockernft service-django, rule 3: … drop`
    var ruleText: String {
        guard let chain else { return "none of ours sees it" }
        guard let rule else { return "inet dockernft \(chain), its policy: no rule of it speaks of this" }
        return "inet dockernft \(chain), rule \(rule.index + 1): \(NftText.text(rule: rule.rule))"
    }

    /// What to write for the other answer.
    func text(allowing isToBeAllowed: Bool, _ clients: AddressSet) -> String? {
        let ofFamily = example.family == .ipv4 ? AddressSet(v4: clients.v4) : AddressSet(v6: clients.v6)
        let who = clients == .all ? Advice.everybody : ofFamily.ranges.count == 1 ? ofFamily.ranges[0] : "\(example)"
        let purpose = isToBeAllowed ? "to let \(who) in" : "to keep \(who) out"
        return change.map { "\(purpose), \($0.text(who))" }
    }

    func traceLines(_ steps: ExplanationText.Steps) -> [String] {
        let shown = self.steps.filter { step in
            switch (steps, step.decision) {
            case (.all, _), (_, .verdict), (_, .reject), (_, .unknown): true
            case (.deciding, .noMatch), (.deciding, .goesOn): false
            }
        }
        let width = shown.map(\.chain.count).max() ?? 0
        return shown.map { step in
            let chain = step.chain + String(repeating: " ", count: width - step.chain.count)
            let text = step.rule.map { NftText.text(rule: $0) } ?? "the chain's policy"
            return "\(chain)  \(text)\(step.isSaidByItsRule ? "" : "  => \(step.decision.words)")"
        }
    }
}

extension Decision.Step {
    /// What a map answers, or what a rule came to that did not match, is not in its text.
    fileprivate var isSaidByItsRule: Bool {
        guard case .verdict = decision, case .verdict = rule?.statements.last else { return false }
        return true
    }
}

extension Advice {
    /// In the policy's own word.
    static let everybody = "anyone"

    func text(_ client: String) -> String {
        switch self {
        case .addToAllow(let service, let span): "add \(client) to `allow` of \(service), \(span.place)"
        case .removeFromExcept(let service, let span):
            "take \(client) out of `except` of \(service), \(span.place)"
        case .removeFromGroup(let group, let span, let service):
            "take \(client) out of the group \(group), \(span.place), or add it to `except` of \(service)"
        case .removeFromAllow(let service, let span):
            "take \(client) out of `allow` of \(service), \(span.place)"
        case .addToExcept(let service, let span) where client == Self.everybody:
            "write `allow: nobody` in \(service), \(span.place)"
        case .addToExcept(let service, let span): "add \(client) to `except` of \(service), \(span.place)"
        case .nameThePort: "name the port under `services`, with \(client) in its `allow`"
        case .nameThePortOfTheHost: "name the port under `host: services`"
        case .closeUnlisted(let span):
            "write `unlisted: drop`" + (span.map { ", \($0.place)" } ?? "") + ", or name the port under `services`"
        case .closeTheHost:
            "name the port under `services` where a container has it, or else under `host: services`"
        case .makeExternal(let interface, let span): "make \(interface) an external interface, \(span.place)"
        }
    }
}

extension Trace.Decision {
    var words: String {
        switch self {
        case .noMatch: "no match"
        case .goesOn: "goes on"
        case .verdict(let verdict): verdict.words
        case .reject: "reject"
        case .unknown(let reason): "not known: \(reason)"
        }
    }
}

extension Nftables.Verdict {
    fileprivate var words: String {
        switch self {
        case .accept: "accept"
        case .drop: "drop"
        case .return: "return"
        case .jump(let chain), .goto(let chain): chain
        }
    }
}

extension String {
    fileprivate var trimmingBlanks: String {
        var text = self[...]
        while text.first == " " { text.removeFirst() }
        while text.last == " " { text.removeLast() }
        return String(text)
    }
}
