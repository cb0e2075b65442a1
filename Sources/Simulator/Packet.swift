public import Addressing
public import Nftables

/// A packet at one hook, as far as rules can see it: its headers alone, so that what lies past them is not there.
public struct Packet: Hashable, Sendable {
    public var hook: BaseChain.Hook
    /// `nil` where the hook has none: output has no interface that it came in by, input none that it leaves by.
    public var iifname: String?
    public var oifname: String?
    public var source: IPAddress
    public var destination: IPAddress
    public var transport: TransportHeader
    public var conntrack: ConntrackView

    public init(
        hook: BaseChain.Hook, iifname: String?, oifname: String?, source: IPAddress, destination: IPAddress,
        transport: TransportHeader, conntrack: ConntrackView
    ) {
        self.hook = hook
        self.iifname = iifname
        self.oifname = oifname
        self.source = source
        self.destination = destination
        self.transport = transport
        self.conntrack = conntrack
    }

    public var family: AddressFamily { source.family }
}

public enum TransportHeader: Hashable, Sendable {
    case tcp(source: UInt16, destination: UInt16, flags: TCPFlags)
    case udp(source: UInt16, destination: UInt16)
    case sctp(source: UInt16, destination: UInt16)
    case icmp(type: UInt8, code: UInt8)
    case icmpv6(type: UInt8, code: UInt8)
    /// A protocol whose header we do not know.
    case other(l4proto: UInt8)
    /// A fragment but the first: it has a protocol and no header.
    case fragment(l4proto: UInt8)

    public var l4proto: UInt8 {
        switch self {
        case .tcp: L4Protocol.tcp.rawValue
        case .udp: L4Protocol.udp.rawValue
        case .sctp: L4Protocol.sctp.rawValue
        case .icmp: L4Protocol.icmp.rawValue
        case .icmpv6: L4Protocol.icmpv6.rawValue
        case .other(let l4proto), .fragment(let l4proto): l4proto
        }
    }
}

/// What conntrack knows of the packet.
public enum ConntrackView: Hashable, Sendable {
    case entry(ConntrackEntry)
    /// It has no entry, for conntrack could make none of it.
    case invalid
    /// It has no entry, for a `notrack` rule says so.
    case untracked
}

public struct ConntrackEntry: Hashable, Sendable {
    /// `enum ip_conntrack_info` less the direction.
    public enum State: Hashable, Sendable {
        case new
        case established
        case related
    }

    public var state: State
    /// The packet's, among the two of its connection.
    public var direction: Direction
    public var status: ConntrackFlags.Status
    /// The original tuple: what the client sent, before any NAT.
    public var source: IPAddress
    public var destination: IPAddress
    /// The tuple's `dst.u.all`: a port, or of ICMP the type in the upper and the code in the lower byte.
    public var serviceDestination: UInt16

    public init(
        state: State, direction: Direction, status: ConntrackFlags.Status, source: IPAddress, destination: IPAddress,
        serviceDestination: UInt16
    ) {
        self.state = state
        self.direction = direction
        self.status = status
        self.source = source
        self.destination = destination
        self.serviceDestination = serviceDestination
    }
}
