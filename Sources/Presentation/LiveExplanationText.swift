internal import Addressing
public import Audit
internal import FoundationEssentials
internal import HostRules
internal import Reachability

/// An answer by the rules in force, for a person or a program.
public struct LiveExplanationText {
    private let explanation: LiveExplanation
    /// Lines of the policy, by the chain and comment of the rule of ours that comes from them.
    private let origins: [RuleName: String]

    public struct RuleName: Hashable, Sendable {
        public var chain: String
        public var comment: String

        public init(chain: String, comment: String) {
            self.chain = chain
            self.comment = comment
        }
    }

    public init(_ explanation: LiveExplanation, origins: [RuleName: String]) {
        self.explanation = explanation
        self.origins = origins
    }

    public var text: String {
        ([headline] + explanation.parts.flatMap { [""] + lines($0) }).joined(separator: "\n")
    }

    private var headline: String {
        let (from, to) = (explanation.clients, explanation.destination)
        let now = "by the rules in force"
        switch explanation.verdict {
        case .allowed: return "allowed: \(from) reaches \(to), \(now)"
        case .refused: return "refused: \(from) does not reach \(to), \(now)"
        case .differs: return "differs: \(from) reaches \(to) in part, \(now)"
        case .unknown:
            let reason = explanation.obstacle ?? "a rule that cannot be followed decides"
            return "not known whether \(from) reaches \(to): \(reason)"
        }
    }

    private func lines(_ part: LiveExplanation.Part) -> [String] {
        var lines = ["\(part.fate.words) \(part.clients.text())"]
        lines.append("    dialled  \(part.dialledText)")
        for end in part.ends { lines.append("    ends     \(end.text)") }
        for stopping in part.stops {
            lines.append("    stopped  \(stopping.place)" + (stopping.meaning.map { " (\($0))" } ?? ""))
            if let rule = stopping.rule { lines.append("    rule     \(rule.text)") }
            if let origin = origin(stopping) { lines.append("    policy   \(origin)") }
        }
        for reason in part.reasons { lines.append("    why      \(reason)") }
        return lines
    }

    private func origin(_ stopping: LiveExplanation.Stopping) -> String? {
        guard case .rule(let rule) = stopping.stop, rule.table == "inet dockernft", let comment = rule.comment else {
            return nil
        }
        return origins[RuleName(chain: rule.chain, comment: comment)]
    }

    // MARK: JSON

    public func json() throws -> String { try JSONText.encode(document) }

    private var document: Document {
        Document(
            verdict: explanation.verdict.rawValue, from: explanation.clients, to: explanation.destination,
            reason: explanation.obstacle,
            parts: explanation.parts.map { part in
                Document.Part(
                    sources: part.clients.ranges, fate: part.fate.rawValue,
                    dialled: part.dialled.map { "\($0.text)/\($0.transport)" }, interfaces: part.interfaces,
                    ends: part.ends.map { Document.End(text: $0.text, name: $0.name) },
                    stops: part.stops.map { stopping in
                        var stop = Document.Stop(
                            place: stopping.place, meaning: stopping.meaning, rule: stopping.rule?.text,
                            policy: origin(stopping))
                        if case .rule(let rule) = stopping.stop {
                            (stop.table, stop.chain, stop.handle) = (rule.table, rule.chain, rule.handle)
                        }
                        return stop
                    }, reasons: part.reasons)
            })
    }

    private struct Document: Encodable {
        struct Part: Encodable {
            var sources: [String]
            var fate: String
            var dialled: [String]
            var interfaces: [String]
            var ends: [End]
            var stops: [Stop]
            var reasons: [String]
        }

        struct End: Encodable {
            var text: String
            var name: String?
        }

        struct Stop: Encodable {
            var place: String
            var meaning: String?
            var rule: String?
            var policy: String?
            var table: String?
            var chain: String?
            var handle: UInt64?
        }

        var version = 1
        var live = true
        var verdict: String
        var from: String
        var to: String
        var reason: String?
        var parts: [Part]
    }
}

extension LiveExplanation.Fate {
    fileprivate var words: String {
        switch self {
        case .stopped: "refused"
        case .unanswered: "nothing listens for"
        case .unknown: "not known of"
        case .arrives: "allowed"
        }
    }
}

extension LiveExplanation.Part {
    fileprivate var dialledText: String {
        let shown = dialled.prefix(4).map { "\($0.text)/\($0.transport)" }.joined(separator: ", ")
        let more = dialled.count > 4 ? " and \(dialled.count - 4) more" : ""
        return "\(shown)\(more), through \(interfaces.joined(separator: ", "))"
    }
}

extension LiveExplanation.Dialled {
    fileprivate var text: String {
        switch address {
        case .v4(let address): "\(address):\(port)"
        case .v6(let address): "[\(address)]:\(port)"
        }
    }
}

extension LiveExplanation.End {
    fileprivate var text: String {
        switch arrival {
        case .delivered(_, let port):
            "at this machine's port \(port.map { "\($0)" } ?? "?")" + (name.map { ", at \($0)" } ?? "")
        case .forwarded(let address, let port, let interface):
            "at \(name.map { "\($0), " } ?? "")\(address.map { "\($0)" } ?? "an address that is not known")"
                + (port.map { ":\($0)" } ?? "") + (interface.map { " behind \($0)" } ?? "")
        }
    }
}

extension HostRule {
    fileprivate var text: String { HostRuleText.text(self) + (comment.map { " comment \"\($0)\"" } ?? "") }
}
