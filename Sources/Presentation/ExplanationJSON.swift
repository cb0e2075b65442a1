internal import Addressing
internal import Diagnostics
internal import FoundationEssentials
public import Questions

/// An answer for a program. Version 1 of the schema that docs/json.md describes.
public enum ExplanationJSON {
    public static func render(_ explanation: Explanation) throws -> String {
        try JSONText.encode(Document(explanation))
    }

    private struct Document: Encodable {
        var version = 1
        var verdict: String
        var from: String
        var to: String
        var reason: String?
        var parts: [Part]

        init(_ explanation: Explanation) {
            verdict = explanation.verdict.rawValue
            from = explanation.clients
            to = explanation.destination
            reason = explanation.obstacle?.text
            parts = explanation.parts.map { Part($0) }
        }
    }

    private struct Part: Encodable {
        var sources: [String]
        var allowed: Bool
        var ways: [Door]
        var decisions: [Deciding]

        init(_ part: Explanation.Part) {
            sources = part.clients.ranges
            allowed = part.isAllowed
            ways = part.ways.map { Door($0) }
            decisions = part.decisions.map { Deciding($0, part) }
        }
    }

    private struct Door: Encodable {
        var path: String
        var `protocol`: String
        var ports: String
        var address: String?
        var interfaces: [String]?
        var bridges: [String]?

        init(_ way: Way) {
            path = way.path.rawValue
            `protocol` = way.transport.description
            ports = way.ports.text
            address = way.address?.description ?? (way.isBesideNamed ? "other" : nil)
            interfaces = way.interfaces.isEmpty ? nil : way.interfaces
            bridges = way.bridges.isEmpty ? nil : way.bridges
        }
    }

    private struct Deciding: Encodable {
        var example: String
        var chain: String?
        var rule: String?
        var policy: Place?
        var change: String?
        var trace: [String]

        init(_ decision: Decision, _ part: Explanation.Part) {
            example = decision.example.description
            chain = decision.chain
            rule = decision.rule == nil ? nil : decision.ruleText
            policy = decision.source.map { Place(file: $0.file, line: $0.start.line) }
            change = decision.text(allowing: !part.isAllowed, part.clients)
            trace = decision.traceLines(.all)
        }
    }

    private struct Place: Encodable {
        var file: String
        var line: Int
    }
}
