internal import Addressing
internal import Diagnostics

/// `8081`, `8081/tcp`, `7000-7010/udp`: ports as Docker's `-p` and `EXPOSE` write them. tcp when not said.
enum PortText {
    static let expected = "a port such as `8081`, `8081/udp` or `7000-7010/tcp`"

    static func parse(_ text: String, at span: Span) -> Result<PortRange, Problem> {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard text.utf8.count <= 64, parts.count <= 2, let first = parts.first, !text.isEmpty else {
            return .failure(bad(text, span, help: nil))
        }
        if [" /", "/ ", " -", "- "].contains(where: { text.contains($0) }) {
            return .failure(bad(text, span, help: "write it without blanks: `\(text.filter { $0 != " " })`"))
        }
        var transport = TransportProtocol.tcp
        if parts.count == 2 {
            guard let named = TransportProtocol(String(parts[1])) else {
                return .failure(unknownProtocol(String(parts[1]), after: first, in: text, at: span))
            }
            transport = named
        }
        let ends = first.split(separator: "-", omittingEmptySubsequences: false)
        let numbers = ends.compactMap { UInt64(digits: $0) }
        guard (1...2).contains(ends.count), numbers.count == ends.count, let low = numbers.first,
            let high = numbers.last
        else {
            return .failure(bad(text, span, help: advice(text)))
        }
        guard let lowest = UInt16(exactly: low), let highest = UInt16(exactly: high), lowest > 0 else {
            let wrong = low == 0 ? "0" : String(max(low, high))
            let help = low == 0 ? "every port is `publish: any`" : nil
            return .failure(
                Problem(
                    .error(
                        .badPort, at: span, "\(quoted(text)): there is no port \(wrong)",
                        expected: "ports from 1 to 65535",
                        help: help)))
        }
        guard lowest <= highest else {
            return .failure(
                Problem(
                    .error(
                        .emptyRange, at: span, "the range \(quoted(text)) is empty: it ends before it begins",
                        expected: "the lower port first", help: "write `\(highest)-\(lowest)/\(transport)`")))
        }
        return .success(PortRange(transport, lowest...highest))
    }

    struct Problem: Error {
        var diagnostic: Diagnostic

        init(_ diagnostic: Diagnostic) { self.diagnostic = diagnostic }
    }

    private static func bad(_ text: String, _ span: Span, help: String?) -> Problem {
        Problem(.error(.badPort, at: span, "\(quoted(text)) is not a port", expected: expected, help: help))
    }

    private static func unknownProtocol(
        _ name: String, after ports: Substring, in text: String, at span: Span
    ) -> Problem {
        let names = TransportProtocol.allCases.map { $0.description }
        let lower = name.lowercased()
        let near = names.contains(lower) ? lower : nearestName(to: lower, in: names)
        let help =
            if names.contains(lower) {
                "protocols are written in lower case: `\(ports)/\(lower)`"
            } else if lower == "any" || lower == "all" || lower == "both" || lower == "tcp+udp" {
                "write each: `[\(ports)/tcp, \(ports)/udp]`"
            } else if let first = TransportProtocol(String(ports)) {
                "the protocol follows the port: `\(name)/\(first)`"
            } else if lower.hasPrefix("icmp") {
                "ICMP has no ports; to answer pings, give `host` a service with `icmp: echo-request`"
            } else {
                near.map { "did you mean `\(ports)/\($0)`?" } ?? "Docker publishes ports of these three only"
            }
        return Problem(
            .error(
                .unknownProtocol, at: span, "\(quoted(text)): there is no protocol \(quoted(name))",
                expected: names.alternatives, help: help))
    }

    /// What the writer of something else most likely wanted.
    private static func advice(_ text: String) -> String? {
        let pieces = text.split(separator: ":")
        if pieces.count == 2, let host = UInt64(digits: pieces[0].prefix { $0.isASCII && $0.isNumber }) {
            return
                "docker's `-p HOST:CONTAINER` names the host's port first, and a policy only that one: write `\(host)`"
        }
        if pieces.count == 3, IPAddress(String(pieces[0])) != nil {
            return "write `publish: \(pieces[1])` and `on: [\(pieces[0])]`"
        }
        if text.contains(",") || text.contains(" ") { return "write a list: `[80, 443]`" }
        if text.hasPrefix("0x") || text.hasPrefix("0o") || text.hasPrefix("0b") { return "write the number in decimal" }
        if text.hasPrefix("0"), let number = UInt64(digits: text.drop { $0 == "0" }) { return "write `\(number)`" }
        if text.hasPrefix("-") || text.hasSuffix("-") || text.hasPrefix("+") { return nil }
        let services = ["http": 80, "https": 443, "ssh": 22, "postgres": 5432, "mysql": 3306, "dns": 53, "smtp": 25]
        if let number = services[text.lowercased()] { return "write the number: `\(number)`" }
        if text == "*" || text == "all" { return "every published port is `publish: any`" }
        if ["tcp", "udp", "sctp"].contains(where: { text.lowercased().hasSuffix($0) }) {
            return "the protocol follows the port and a `/`: `8081/tcp`"
        }
        return nil
    }
}
