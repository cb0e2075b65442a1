public import Addressing
public import HostRules
public import Reachability

/// What the rules that are in force do with some clients: ours, Docker's, and anybody else's.
public struct LiveExplanation: Sendable {
    public enum Verdict: String, Hashable, Sendable {
        case allowed
        case refused
        case differs
        case unknown
    }

    public enum Fate: String, Hashable, Comparable, Sendable, CaseIterable {
        /// Some rule keeps them out.
        case stopped
        /// The rules let them through, and nothing is there.
        case unanswered
        /// A rule that cannot be followed decides.
        case unknown
        case arrives

        public static func < (left: Self, right: Self) -> Bool {
            (allCases.firstIndex(of: left) ?? 0) < (allCases.firstIndex(of: right) ?? 0)
        }
    }

    /// What is dialled.
    public struct Dialled: Hashable, Sendable {
        public var address: IPAddress
        public var transport: TransportProtocol
        public var port: UInt16
    }

    public struct Part: Sendable {
        public var clients: AddressSet
        public var fate: Fate
        public var dialled: [Dialled]
        public var interfaces: [String]
        /// Where they end, with the container's name where it is known.
        public var ends: [End]
        public var stops: [Stopping]
        public var reasons: [String]
    }

    public struct End: Hashable, Sendable {
        public var arrival: Arrival
        /// The container, or what listens.
        public var name: String?
    }

    /// What stops a packet.
    public struct Stopping: Hashable, Sendable {
        public var stop: Stop
        /// Whose it is, and what for.
        public var meaning: String?
        /// The rule itself; nil where it is a policy or the routing.
        public var rule: HostRule?
        /// `raw PREROUTING handle 5`, in words.
        public var place: String
    }

    public var verdict: Verdict
    public var clients: String
    public var destination: String
    public var parts: [Part]
    /// Why there is no answer.
    public var obstacle: String?
}
