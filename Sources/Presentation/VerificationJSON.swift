internal import Addressing
internal import Diagnostics
internal import FoundationEssentials
public import Verification

/// A verification for a program. Version 1 of the schema that docs/json.md describes.
public enum VerificationJSON {
    public static func render(
        _ verification: Verification, _ dockerRules: DockerRules, policyPath: String
    ) throws -> String {
        try JSONText.encode(
            Document(
                result: verification.isKept ? "kept" : "differs", policyPath: policyPath,
                dockerRules: dockerRules.word, dockerTables: dockerRules.tables, recording: dockerRules.path,
                dockerReason: dockerRules.reason, tried: verification.tried, possible: verification.possible,
                rows: verification.rows.map { Row($0) },
                differences: verification.differences.map { Entry($0) }, untried: verification.untried))
    }

    private struct Document: Encodable {
        var version = 1
        var result: String
        var policyPath: String
        var dockerRules: String
        var dockerTables: [String]?
        var recording: String?
        var dockerReason: String?
        var tried: Int
        var possible: Int
        var rows: [Row]
        var differences: [Entry]
        var untried: [String]
    }

    private struct Row: Encodable {
        var of: String
        var path: String
        var family: String
        var tried: Int
        var possible: Int
        var differing: Int

        init(_ row: Verification.Row) {
            of = row.about
            path = row.path.rawValue
            family = row.family.rawValue
            tried = row.tried
            possible = row.possible
            differing = row.differing
        }
    }

    private struct Entry: Encodable {
        var of: String
        var path: String
        var source: String
        var from: String
        var target: String
        var expected: String
        var met: String
        var subject: String
        var file: String?
        var line: Int?
        var rule: String?

        init(_ difference: Verification.Difference) {
            let claim = difference.claim
            of = claim.about
            path = claim.path.rawValue
            source = "\(claim.source)"
            from = claim.from.words
            target = claim.target
            expected = claim.ruling.outcome.rawValue
            met = difference.met.word
            subject = claim.ruling.subject
            file = claim.ruling.origin?.file
            line = claim.ruling.origin?.start.line
            rule = difference.decisionText
        }
    }
}

extension DockerRules {
    fileprivate var word: String {
        switch self {
        case .own: "own"
        case .ofHost: "host"
        case .recorded: "recorded"
        }
    }

    fileprivate var tables: [String]? {
        switch self {
        case .own: nil
        case .ofHost(let tables), .recorded(_, let tables): tables
        }
    }

    fileprivate var path: String? {
        switch self {
        case .recorded(let path, _): path
        case .own, .ofHost: nil
        }
    }

    fileprivate var reason: String? {
        switch self {
        case .own(let reason): reason
        case .ofHost, .recorded: nil
        }
    }
}

extension Verification.Met {
    fileprivate var word: String {
        switch self {
        case .answered(let answerer): "answered-by-\(answerer.rawValue)"
        case .refused: "rejected"
        case .silence: "dropped"
        }
    }
}
