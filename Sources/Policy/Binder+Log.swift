internal import Diagnostics
internal import YAML

extension Log {
    static var standard: Self { Self(refused: true, rate: 10, unit: .second, destination: .nflog(group: 4)) }
}

extension Binder {
    private static let logKeys = KeyTable(
        ["refused", "rate", "to"],
        meanings: [
            "group": "to: { nflog: GROUP }", "nflog": "to: { nflog: GROUP }", "limit": "rate", "dropped": "refused",
        ])

    mutating func log(_ node: Node?) -> Log {
        var log = Log.standard
        guard let node,
            let fields = fields(of: node, "`log`", Self.logKeys, example: "`refused`, `rate` and `to`, each on a line")
        else { return log }
        if let refused = fields["refused"] { log.refused = flag(refused, "refused") ?? log.refused }
        if let rate = fields["rate"] { bindRate(rate, into: &log) }
        if let destination = fields["to"] { bindDestination(destination, into: &log) }
        return log
    }

    private mutating func bindRate(_ node: Node, into log: inout Log) {
        let parts = node.scalarText?.split(separator: "/", omittingEmptySubsequences: false) ?? []
        if parts.count == 2, let rate = UInt64(digits: parts[0]), (1...1_000_000).contains(rate),
            let unit = Log.Unit(rawValue: String(parts[1]))
        {
            log.rate = rate
            log.unit = unit
            return
        }
        guard (node.scalarText ?? "").utf8.count <= 64 else {
            findings.add(
                .error(.badRate, at: node.span, "\(node.cited) is not a rate", expected: "a rate such as `10/second`"))
            return
        }
        let units = Log.Unit.allCases.map { $0.rawValue }
        let abbreviations = ["s": "second", "sec": "second", "m": "minute", "min": "minute", "h": "hour", "d": "day"]
        let unit = parts.count == 2 ? String(parts[1]) : nil
        let near = unit.flatMap { abbreviations[$0] ?? (units.contains($0) ? nil : nearestName(to: $0, in: units)) }
        let help =
            if let near {
                "write `\(parts[0])/\(near)`"
            } else if parts.count == 1, let text = node.scalarText, UInt64(digits: text[...]) != nil {
                "say per what: `\(text)/second`"
            } else if parts.first == "0" {
                "to log nothing, write `refused: false`"
            } else {
                "write for example `10/second`"
            }
        findings.add(
            .error(
                .badRate, at: node.span, "\(node.cited) is not a rate",
                expected: "a number from 1 to 1000000, `/`, and `second`, `minute`, `hour` or `day`", help: help))
    }

    private mutating func bindDestination(_ node: Node, into log: inout Log) {
        if node.scalarText == "kernel" {
            log.destination = .kernel
            return
        }
        if node.scalarText == "nflog" { return }
        if case .mapping(let entries) = node.content, entries.count == 1, let entry = entries.first,
            entry.key == "nflog",
            let text = entry.value.scalarText, let group = UInt64(digits: text[...]), group <= UInt64(UInt16.max)
        {
            log.destination = .nflog(group: UInt16(group))
            return
        }
        findings.add(
            .error(
                .badLogDestination, at: node.span, "refused packets cannot be logged to \(node.cited)",
                expected: "`kernel`, `nflog` (its group 4) or `{ nflog: GROUP }` with a group from 0 to 65535",
                help: ["syslog", "dmesg", "journal", "journald"].contains(node.scalarText)
                    ? "`kernel` writes to the kernel's log, which the journal shows" : nil))
    }
}

extension UInt64 {
    /// Digits alone: no sign, no octal, no base 60.
    init?(digits text: Substring) {
        guard !text.isEmpty, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let value = UInt64(text),
            text.utf8.count == 1 || text.utf8.first != 0x30
        else { return nil }
        self = value
    }
}
