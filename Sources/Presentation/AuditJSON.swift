internal import Addressing
public import Audit
internal import FoundationEssentials

/// An audit for a program. Version 1 of the schema that docs/json.md describes.
public enum AuditJSON {
    public static func render(_ report: AuditReport, policyPath: String?) throws -> String {
        try JSONText.encode(
            Document(
                result: report.result.word, policyPath: policyPath, findings: report.findings.map { Entry($0) },
                doors: report.entrances.map { Row($0) }))
    }

    private struct Document: Encodable {
        var version = 1
        var result: String
        var policyPath: String?
        var findings: [Entry]
        var doors: [Row]
    }

    private struct Entry: Encodable {
        var code: String
        var severity: String
        var headline: String
        var why: String
        var help: String
        var sources: [String]

        init(_ finding: Finding) {
            code = finding.code.rawValue
            severity = finding.severity.rawValue
            headline = finding.headline
            why = finding.why
            help = finding.help
            sources = finding.sources.ranges
        }
    }

    private struct Row: Encodable {
        var verdict: String
        var path: String
        var `protocol`: String
        var port: UInt16?
        var target: String
        var addresses: [String]
        var interfaces: [String]
        var open: [String]
        var unknown: [String]
        var excess: [String]
        var missing: [String]
        var reasons: [String]

        init(_ entrance: Entrance) {
            verdict = entrance.verdict.rawValue
            path = entrance.door.path.rawValue
            `protocol` = entrance.door.transport.description
            port = entrance.door.port
            target = entrance.door.target
            addresses = entrance.addresses.map(\.description)
            interfaces = entrance.interfaces
            open = entrance.open.ranges
            unknown = entrance.unknown.ranges
            excess = entrance.excess.ranges
            missing = entrance.missing.ranges
            reasons = entrance.reasons
        }
    }
}

extension AuditReport.Result {
    fileprivate var word: String {
        switch self {
        case .nothingOpen: "nothing-open"
        case .open: "open"
        case .unknown: "unknown"
        }
    }
}
