public import Addressing

/// What a rule is made of as nft's text says it.
public enum Statement: Hashable, Sendable {
    case match(Key, Relation)
    /// `KEY vmap @map`, the key a concatenation where it has several fields
    case verdictMap([Key], map: String)
    /// `counter name "…"`
    case counter(name: String)
    /// `limit name "…"`: the rule goes on while the limit is not reached
    case limit(name: String)
    case log(prefix: String, LogDestination)
    case reject(Rejection)
    case verdict(Verdict)
}

/// What is looked at in a packet or its conntrack entry.
public enum Key: Hashable, Sendable {
    case meta(MetaKey)
    /// `ct KEY`, or with a direction `ct original KEY`
    case conntrack(ConntrackKey)
    case header(HeaderField)
    case socket(SocketKey)
}

/// What is looked at in the socket that a packet is for, where there is one.
public enum SocketKey: Hashable, Sendable {
    /// `socket cgroupv2 level N`: the control group so many levels below the root that the socket was made in.
    case cgroup(level: UInt8)
}

/// A control group as the kernel knows it, by a number that it never gives again, and as people do.
public struct ControlGroup: Hashable, Sendable {
    public var id: UInt64
    /// Below `/sys/fs/cgroup`, as nft writes it.
    public var path: String

    public init(id: UInt64, path: String) {
        self.id = id
        self.path = path
    }
}

public enum MetaKey: Hashable, Sendable, CaseIterable {
    case nfproto
    case l4proto
    case iifname
    case oifname
}

public enum ConntrackKey: Hashable, Sendable, CaseIterable {
    case state
    case direction
    case status
    /// `ct original ip saddr` and so on: what the client sent, before any NAT.
    case originalIPv4Source
    case originalIPv4Destination
    case originalIPv6Source
    case originalIPv6Destination
    case originalServiceDestination
}

/// A field of a packet's header. Its protocol is a condition of the rule, which linearize adds as nft does.
public enum HeaderField: Hashable, Sendable {
    case tcpFlags
    case sourcePort(TransportProtocol)
    case destinationPort(TransportProtocol)
    case ip4Source
    case ip4Destination
    case ip6Source
    case ip6Destination
    case icmpType
    case icmpv6Type
}

public enum Relation: Hashable, Sendable {
    case equals(Value)
    case notEquals(Value)
    case inSet(String)
    case notInSet(String)
    /// At least one of the bits: `ct state established,related`.
    case anyOf(ConntrackFlags)
    /// `tcp flags != syn / fin,syn,rst,ack`: the bits under the mask are not just these.
    case flagsDiffer(from: TCPFlags, mask: TCPFlags)
    case prefix4(UInt32, length: Int)
    case prefix6(UInt128, length: Int)
    case range(UInt8, UInt8)
}

public enum Value: Hashable, Sendable {
    case family(AddressFamily)
    case l4proto(L4Protocol)
    case direction(Direction)
    case port(UInt16)
    case number(UInt8)
    case cgroup(ControlGroup)
}

/// IANA protocol numbers, with the words that nft has for them.
public enum L4Protocol: UInt8, Hashable, Sendable, CaseIterable {
    case icmp = 1
    case igmp = 2
    case tcp = 6
    case udp = 17
    case icmpv6 = 58
    case sctp = 132

    public init(_ transport: TransportProtocol) {
        switch transport {
        case .tcp: self = .tcp
        case .udp: self = .udp
        case .sctp: self = .sctp
        }
    }

    public var word: String {
        switch self {
        case .icmp: "icmp"
        case .igmp: "igmp"
        case .tcp: "tcp"
        case .udp: "udp"
        case .icmpv6: "ipv6-icmp"
        case .sctp: "sctp"
        }
    }
}

/// `IP_CT_DIR_*` of `nf_conntrack_tuple_common.h`.
public enum Direction: UInt8, Hashable, Sendable {
    case original = 0
    case reply = 1
}

/// Bits of `ct state` or of `ct status`; the raw values are the kernel's.
public enum ConntrackFlags: Hashable, Sendable {
    case state(State)
    case status(Status)

    /// `NF_CT_STATE_*` of `nf_conntrack_common.h`.
    public struct State: OptionSet, Hashable, Sendable {
        public let rawValue: UInt32
        public init(rawValue: UInt32) { self.rawValue = rawValue }
        public static let invalid = Self(rawValue: 1)
        public static let established = Self(rawValue: 2)
        public static let related = Self(rawValue: 4)
        public static let new = Self(rawValue: 8)
        public static let untracked = Self(rawValue: 64)
    }

    /// `IPS_*` of `nf_conntrack_common.h`.
    public struct Status: OptionSet, Hashable, Sendable {
        public let rawValue: UInt32
        public init(rawValue: UInt32) { self.rawValue = rawValue }
        /// It belongs to another connection, which a helper has foreseen.
        public static let expected = Self(rawValue: 1 << 0)
        public static let snat = Self(rawValue: 1 << 4)
        public static let dnat = Self(rawValue: 1 << 5)
    }

    public var rawValue: UInt32 {
        switch self {
        case .state(let state): state.rawValue
        case .status(let status): status.rawValue
        }
    }
}

/// The flag byte of a TCP header (RFC 9293, 3.1).
public struct TCPFlags: OptionSet, Hashable, Sendable {
    public let rawValue: UInt8
    public init(rawValue: UInt8) { self.rawValue = rawValue }
    public static let fin = Self(rawValue: 0x01)
    public static let syn = Self(rawValue: 0x02)
    public static let rst = Self(rawValue: 0x04)
    public static let psh = Self(rawValue: 0x08)
    public static let ack = Self(rawValue: 0x10)
    public static let urg = Self(rawValue: 0x20)
}

public enum LogDestination: Hashable, Sendable {
    case nflog(group: UInt16)
    /// The kernel's own log, at nft's default level `warn`.
    case kernel
}

public enum Rejection: Hashable, Sendable {
    /// `reject with tcp reset`
    case tcpReset
    /// `reject with icmpx port-unreachable`, which nft lists as `reject`
    case portUnreachable
}

public enum Verdict: Hashable, Sendable {
    case accept
    case drop
    case `return`
    case jump(String)
    case goto(String)
}
