public import Addressing

/// An entry of the kernel's connection tracking.
public struct Connection: Hashable, Sendable {
    /// What one side's packets look like as they come in.
    public struct Tuple: Hashable, Sendable {
        public var source: IPAddress
        public var sourcePort: UInt16
        public var destination: IPAddress
        public var destinationPort: UInt16

        public init(_ source: IPAddress, _ sourcePort: UInt16, to destination: IPAddress, _ destinationPort: UInt16) {
            self.source = source
            self.sourcePort = sourcePort
            self.destination = destination
            self.destinationPort = destinationPort
        }
    }

    /// `enum ip_conntrack_status`
    public struct Status: OptionSet, Hashable, Sendable {
        public let rawValue: UInt32
        public init(rawValue: UInt32) { self.rawValue = rawValue }
        /// It belongs to another connection, which a helper has foreseen.
        public static let expected = Self(rawValue: 1 << 0)
        public static let seenReply = Self(rawValue: 1 << 1)
        public static let assured = Self(rawValue: 1 << 2)
        public static let sourceNAT = Self(rawValue: 1 << 4)
        public static let destinationNAT = Self(rawValue: 1 << 5)
        /// It is about to be forgotten.
        public static let dying = Self(rawValue: 1 << 9)
    }

    public var transport: TransportProtocol
    /// Whoever spoke first, before any NAT.
    public var original: Tuple
    /// The answers, as whoever gives them sends them.
    public var reply: Tuple
    public var status: Status
    /// `enum tcp_conntrack` or `enum sctp_conntrack`; nil of UDP, which has none.
    public var protocolState: UInt8?
    /// Seconds until it is forgotten, where nothing more is heard.
    public var timeout: UInt32
    /// Nanoseconds since 1970, where the kernel was told to note it (`net.netfilter.nf_conntrack_timestamp`).
    public var start: UInt64?

    public init(
        transport: TransportProtocol, original: Tuple, reply: Tuple, status: Status, protocolState: UInt8? = nil,
        timeout: UInt32 = 0, start: UInt64? = nil
    ) {
        self.transport = transport
        self.original = original
        self.reply = reply
        self.status = status
        self.protocolState = protocolState
        self.timeout = timeout
        self.start = start
    }

    /// Both sides have spoken, and neither has said that it will say no more.
    public var isEstablished: Bool {
        guard status.contains(.seenReply), !status.contains(.dying) else { return false }
        return switch transport {
        case .tcp: protocolState == Self.establishedTCP
        case .sctp: protocolState == Self.establishedSCTP
        case .udp: true
        }
    }

    /// `TCP_CONNTRACK_ESTABLISHED` and `SCTP_CONNTRACK_ESTABLISHED`
    private static var establishedTCP: UInt8 { 3 }
    private static var establishedSCTP: UInt8 { 4 }
}
