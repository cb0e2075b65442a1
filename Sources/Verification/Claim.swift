public import Addressing
public import Diagnostics

/// What one packet is to meet, by the policy: who sends it, by which way, to what, and what becomes of it.
public struct Claim: Hashable, Sendable {
    /// The ways by which a packet comes to what it is for.
    public enum Path: String, Hashable, Comparable, CaseIterable, Sendable {
        /// By Docker's DNAT to a container: the forward hook.
        case published
        /// To docker-proxy, or to a process of the host: the input hook.
        case input
        /// The same, of a packet that conntrack was told not to follow.
        case untracked
        /// To a container at its own address.
        case direct
        /// By an interface that is neither external nor a container's.
        case trusted
        /// Out of a container: to the world, to another, to the host.
        case fromContainer = "from-container"
        /// What the host itself sends.
        case fromHost = "from-host"
        /// A segment of a server whose connection conntrack has forgotten.
        case stray
        /// What a client sends on a connection that was open before there were rules.
        case open
        /// To a port that Docker publishes, by the host's own rules of Docker.
        case dockersPort = "docker-port"
        /// To a container of the host at its own address, by the same rules.
        case dockersAddress = "docker-address"

        public static func < (left: Self, right: Self) -> Bool { left.rank < right.rank }

        private var rank: Int { Self.allCases.firstIndex(of: self) ?? 0 }
    }

    /// What Docker's rules do with it.
    public enum Setup: Hashable, CaseIterable, Sendable {
        /// Every port of the host is published, and translated to a container.
        case translated
        /// Nothing is translated: docker-proxy, or another process of the host, has every port.
        case local
        /// The same, and conntrack is told to follow nothing.
        case untracked
        /// What they do on the host that was read.
        case ofHost
    }

    /// What a packet belongs to.
    public enum Connection: Hashable, Sendable {
        /// Nothing that anybody has seen: it opens one.
        case new
        /// One that was opened, and answered, before the ruleset was loaded: who may not go on is cut off at once.
        case open
    }

    public enum Kind: Hashable, Sendable {
        /// What opens a connection to this port.
        case ports(TransportProtocol, UInt16)
        case echoRequest
        /// A TCP segment that opens nothing, out of the server's port `source`.
        case segment(source: UInt16, destination: UInt16)
    }

    /// The part of the policy that it tries: a service's name, or one of the properties that no service has a word in.
    public var about: String
    public var path: Path
    public var setup: Setup
    public var source: IPAddress
    /// Where it is sent: beyond an interface, in a container or on the host.
    public var from: Place
    public var destination: IPAddress
    public var kind: Kind
    public var connection = Connection.new
    /// Nil is one of those that clients usually have.
    public var sourcePort: UInt16?
    public var ruling: Ruling
    /// The container, by its place, that Docker's rules are seen to take it to; nil where the setup says it.
    public var translated: Int?

    public var family: AddressFamily { source.family }
}

/// Where packets begin.
public enum Place: Hashable, Sendable {
    /// Beyond the interface of this name.
    case beyond(String)
    /// In the container of this place among those of the scene.
    case container(Int)
    case host
}

/// What the policy says, and where it says so.
public struct Ruling: Hashable, Sendable {
    public enum Outcome: String, Hashable, Sendable {
        case passes
        /// Nothing comes back.
        case dropped
        /// The sender is told.
        case rejected
        /// One or the other.
        case refused
    }

    public var outcome: Outcome
    /// The service, or another part of the policy, that says so.
    public var subject: String
    public var origin: Span?

    init(_ outcome: Outcome, _ subject: String, _ origin: Span? = nil) {
        self.outcome = outcome
        self.subject = subject
        self.origin = origin
    }
}
