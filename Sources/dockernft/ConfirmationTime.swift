internal import ArgumentParser

/// How long a policy is to wait for its confirmation: `30s`, `5m`, `1h`.
struct ConfirmationTime {
    let milliseconds: UInt64

    /// Nobody can answer in less, and nobody waits longer beside a terminal; who comes back tomorrow applies it then.
    private static let seconds: ClosedRange<UInt64> = 1...86400

    static func argument(_ text: String) throws -> Self {
        let units: [Character: UInt64] = ["s": 1, "m": 60, "h": 3600]
        guard let last = text.last, let unit = units[last], let number = UInt64(text.dropLast()),
            text.dropLast().allSatisfy(\.isNumber)
        else {
            throw ValidationError("'\(text)' is no time: a whole number and s, m or h is expected, such as 60s or 5m")
        }
        let (seconds, isTooLarge) = number.multipliedReportingOverflow(by: unit)
        guard !isTooLarge, Self.seconds.contains(seconds) else {
            throw ValidationError("'\(text)': a policy can wait for 1s to 24h; 60s is usual")
        }
        return Self(milliseconds: seconds * 1000)
    }
}
