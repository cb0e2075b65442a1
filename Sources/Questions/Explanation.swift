public import Addressing
public import Diagnostics
public import Nftables
public import Simulator

/// The answer to a question: who of the clients gets in, by which ways, and what decides it.
public struct Explanation: Sendable {
    public enum Verdict: String, Hashable, Sendable {
        /// All of them, by every way.
        case allowed
        /// None, by none.
        case refused
        /// Some, or by some ways.
        case differs
        /// There is nothing to ask about; `obstacle` says why.
        case unknown
    }

    public var verdict: Verdict
    public var clients: String
    public var destination: String
    /// Each with other clients, another verdict or another deciding rule.
    public var parts: [Part]
    public var obstacle: Obstacle?

    /// Why a question has no answer.
    public enum Obstacle: Hashable, Sendable {
        /// Only Docker knows the ports of the service.
        case dockerNotAsked(service: String)
        /// No container runs that the service stands for, or none with a port.
        case nothingRuns(service: String)
        case publishesNothing(container: String)
        /// Its ports are the machine's own.
        case hostNetwork(container: String)
        /// Ports with rules of their own, too many for one answer.
        case tooManyWays
        /// None of the clients has an address of the family that is dialled there.
        case otherFamily
        /// There are no clients: the group that was asked of is empty.
        case nobody
        /// By the interfaces that were asked of, none of it is reached.
        case noInterface
        /// Docker was not asked whether docker-proxy serves the port, and the rules would let it.
        case proxyNotKnown
        /// What of the rules we cannot follow.
        case notUnderstood([String])
    }

    public struct Part: Sendable {
        public var clients: AddressSet
        public var isAllowed: Bool
        public var ways: [Way]
        /// Empty past the first of very many parts.
        public var decisions: [Decision]
    }
}

/// A way to a port.
public struct Way: Hashable, Sendable {
    public enum Path: String, Hashable, Comparable, Sendable, CaseIterable {
        /// Forwarded to a container by Docker's DNAT.
        case published
        /// To docker-proxy, or a container on the host's network.
        case proxy
        /// To the machine itself.
        case host
        /// To a container's own address.
        case direct
        /// To a container's own address behind an interface that it shares with the host.
        case wire

        public static func < (left: Self, right: Self) -> Bool {
            (allCases.firstIndex(of: left) ?? 0) < (allCases.firstIndex(of: right) ?? 0)
        }
    }

    public var path: Path
    public var transport: TransportProtocol
    public var ports: ClosedRange<UInt16>
    /// Nil stands for every address of the host that no rule names.
    public var address: IPAddress?
    /// Whether there are addresses that are named.
    public var isBesideNamed: Bool
    /// By which interfaces: `other` stands for all that no rule names. Empty where all outside are alike.
    public var interfaces: [String]
    public var bridges: [String]
}

/// What decides of a client, shown with one packet of his.
public struct Decision: Sendable {
    public var example: IPAddress
    public var way: Way
    /// Nil where no rule of ours sees the packet.
    public var chain: String?
    /// Counted from 0. Nil where it is the chain's policy.
    public var rule: (index: Int, rule: Rule)?
    /// What of the policy the rule comes from.
    public var source: Span?
    /// What to write for the other answer.
    public var change: Advice?
    public var trace: Trace
    public var steps: [Step]

    /// A rule that the packet met.
    public struct Step: Sendable {
        public var chain: String
        /// Nil for the chain's policy.
        public var index: Int?
        public var rule: Rule?
        public var decision: Trace.Decision
    }
}

/// What to write in the policy for the other answer.
public enum Advice: Hashable, Sendable {
    case addToAllow(service: String, Span)
    case removeFromExcept(service: String, Span)
    /// It is in `group`, which `service` allows.
    case removeFromGroup(group: String, Span, service: String)
    case removeFromAllow(service: String, Span)
    /// It allows anyone.
    case addToExcept(service: String, Span)
    case nameThePort
    case nameThePortOfTheHost
    case closeUnlisted(Span?)
    case closeTheHost
    case makeExternal(interface: String, Span)
}
