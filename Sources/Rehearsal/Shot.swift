public import Addressing

/// A packet to be sent, and by which way.
public struct Shot: Hashable, Sendable {
    public enum Kind: Hashable, Sendable, CaseIterable {
        /// A request for a connection.
        case tcp
        /// A datagram.
        case udp
        /// A request for an association.
        case sctp
        /// An echo request; it has no port.
        case ping
        /// A segment of TCP with ACK alone, as of a connection that nobody has seen begin.
        case strayAck
    }

    /// Where the packet begins.
    public enum Origin: Hashable, Sendable {
        /// Outside, and comes in by the external interface of this name.
        case interface(String)
        /// In the container of this place in the setting, at its own address or any other.
        case container(Int)
        /// On the host itself, past its output hook.
        case host
    }

    public var kind: Kind
    public var source: IPAddress
    public var destination: IPAddress
    public var port: UInt16
    public var origin: Origin
    /// Nil leaves it to the stage, which then takes one that no other shot of the batch has.
    public var sourcePort: UInt16?

    /// The addresses must be of one family.
    public init(
        _ kind: Kind, from source: IPAddress, to destination: IPAddress, port: UInt16, by origin: Origin,
        sourcePort: UInt16? = nil
    ) {
        self.sourcePort = sourcePort
        self.kind = kind
        self.source = source
        self.destination = destination
        self.port = port
        self.origin = origin
    }
}

/// What became of a shot, as its sender sees it.
public enum Fate: Hashable, Sendable {
    /// Somebody answered as a server does. A container does so on every port, also to a stray ACK.
    case answered(by: Answerer)
    /// A reset, or an ICMP error: by a rule, or by a kernel where nobody listens.
    case refused
    case silent
}

public enum Answerer: Hashable, Sendable {
    /// A listener of the host itself, or its kernel's answer to a ping.
    case host
    /// The container of this place in the setting.
    case container(Int)
    /// Whoever is outside: only what containers and the host send gets there.
    case outside
}
