internal import Addressing
public import Audit

/// An audit for a person: what is wrong first, then every door.
public struct AuditText {
    public enum Doors: Sendable {
        /// Those that somebody may come in by.
        case reachable
        case all
    }

    private let report: AuditReport
    private let doors: Doors

    public init(_ report: AuditReport, doors: Doors) {
        self.report = report
        self.doors = doors
    }

    public var text: String {
        var lines = [summary]
        for (code, findings) in groups {
            lines.append("")
            lines += Self.lines(code, findings)
        }
        lines += table
        return lines.joined(separator: "\n")
    }

    private var summary: String {
        switch report.result {
        case .open:
            report.hasPolicy
                ? "somebody gets in whom the policy does not allow" : "there is no policy, and this is open:"
        case .unknown: "nobody is known to get in who may not, but of some it could not be found out"
        case .nothingOpen:
            (report.hasPolicy ? "nobody gets in whom the policy does not allow" : "nothing is open to anybody outside")
                + (report.knowsContainers ? "" : ", as far as can be seen without Docker")
        }
    }

    /// Findings of one code and severity together, in the order of the first of each.
    private var groups: [(code: FindingCode, findings: [Finding])] {
        var order: [Finding.Kind] = []
        var byKind: [Finding.Kind: [Finding]] = [:]
        for finding in report.findings {
            if byKind[finding.kind] == nil { order.append(finding.kind) }
            byKind[finding.kind, default: []].append(finding)
        }
        return order.map { ($0.code, byKind[$0] ?? []) }
    }

    private static func lines(_ code: FindingCode, _ findings: [Finding]) -> [String] {
        guard let first = findings.first else { return [] }
        var lines: [String] = []
        for finding in findings {
            lines.append("\(finding.severity.words) [\(code.rawValue)] \(finding.headline)")
            if !finding.sources.isEmpty { lines.append("    who    \(finding.sources.text(limit: 4))") }
        }
        lines.append("    why    \(first.why)")
        lines.append("    do     \(first.help)")
        return lines
    }

    private var table: [String] {
        let shown = report.entrances.filter { doors == .all || $0.verdict != .closed }
        let hidden = report.entrances.count - shown.count
        var lines = [""]
        if !shown.isEmpty {
            let header = ["VERDICT", "PATH", "PORT", "OF", "DIALLED", "THROUGH", "WHO GETS IN"]
            lines += TextTable.lines([header] + shown.map(\.row))
        }
        if hidden > 0 {
            lines.append("\(hidden) closed \(hidden == 1 ? "door is" : "doors are") not shown; --all shows them too")
        }
        return lines.count == 1 ? [] : lines
    }
}

extension Finding {
    fileprivate struct Kind: Hashable {
        var code: FindingCode
        var severity: Severity
    }

    fileprivate var kind: Kind { Kind(code: code, severity: severity) }
}

extension Entrance {
    fileprivate var row: [String] {
        [
            verdict.words, door.path.rawValue, door.port.map { "\($0)/\(door.transport)" } ?? "other \(door.transport)",
            door.target, Self.abbreviated(addresses.map(\.description)), Self.abbreviated(interfaces), who,
        ]
    }

    private var who: String {
        var parts: [String] = []
        if !open.isEmpty || unknown.isEmpty { parts.append(open.text(limit: 4)) }
        if !unknown.isEmpty { parts.append("not known of \(unknown.text(limit: 4))") }
        return parts.joined(separator: "; ")
    }

    private static func abbreviated(_ names: [String]) -> String {
        names.count <= 3
            ? names.joined(separator: " ") : "\(names.prefix(2).joined(separator: " ")) and \(names.count - 2) more"
    }
}

extension Entrance.Verdict {
    fileprivate var words: String {
        switch self {
        case .openToAnyone: "open to anyone"
        case .openTooWide: "open too wide"
        case .unknown: "unknown"
        case .closedToAllowed: "closed to allowed"
        case .asAllowed: "as allowed"
        case .closed: "closed"
        }
    }
}

extension Severity {
    fileprivate var words: String {
        switch self {
        case .openToAnyone: "open to anyone"
        case .openTooWide: "open too wide"
        case .unknown: "unknown"
        case .hygiene: "setup"
        case .closedToAllowed: "closed to allowed"
        }
    }
}
