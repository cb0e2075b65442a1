internal import FoundationEssentials

/// Times as commands take and say them.
enum TimeText {
    /// `42 s`, `5 min`, `1 h 30 min`: rounded up, so that what still waits never waits for nothing.
    static func duration(_ milliseconds: UInt64) -> String {
        let seconds = (milliseconds + 999) / 1000
        let parts = [(seconds / 3600, "h"), (seconds / 60 % 60, "min"), (seconds % 60, "s")]
        let text = parts.filter { $0.0 > 0 }.map { "\($0.0) \($0.1)" }.joined(separator: " ")
        return text.isEmpty ? "0 s" : text
    }

    /// So long from now: RFC 3339, in UTC.
    static func moment(in milliseconds: UInt64) -> String {
        Date(timeIntervalSinceNow: Double(milliseconds) / 1000).formatted(.iso8601)
    }

    static func moment(_ secondsSince1970: Int64) -> String {
        Date(timeIntervalSince1970: Double(secondsSince1970)).formatted(.iso8601)
    }
}
