/// What became of a probe.
public enum Outcome: Hashable, Sendable, CustomStringConvertible {
    /// Someone answered, and said who.
    case answered(by: String)
    /// The handshake was completed, and then nobody said anything.
    case connected
    /// A reset, or an ICMP error.
    case refused
    /// Nothing came back.
    case silent
    /// The probe never left: the test or its topology is wrong.
    case notSent(String)

    public var description: String {
        switch self {
        case .answered(let name): "answered by \(name)"
        case .connected: "connected, no answer"
        case .refused: "refused"
        case .silent: "silent"
        case .notSent(let reason): "not sent: \(reason)"
        }
    }
}
