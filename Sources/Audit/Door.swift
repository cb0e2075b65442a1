public import Addressing

/// By which way a packet comes to where it is answered.
public enum Path: String, Hashable, Comparable, Sendable, CaseIterable {
    case dnat4 = "dnat-v4"
    case dnat6 = "dnat-v6"
    /// docker-proxy, or whatever else listens on a published port.
    case proxy
    /// To a container's own address.
    case direct
    /// A packet to 127.0.0.0/8 from the wire.
    case loopback
    case macvlan
    case swarm
    /// A container on the host's network, or a process of the host.
    case host

    public static func < (left: Self, right: Self) -> Bool {
        (allCases.firstIndex(of: left) ?? 0) < (allCases.firstIndex(of: right) ?? 0)
    }
}

/// Something that can be dialled from outside, by one path.
public struct Door: Hashable, Sendable {
    public var path: Path
    public var transport: TransportProtocol
    /// Nil stands for any port that has no door of its own.
    public var port: UInt16?
    /// What is behind it: `web`, or the process that listens.
    public var target: String

    public init(path: Path, transport: TransportProtocol, port: UInt16?, target: String) {
        self.path = path
        self.transport = transport
        self.port = port
        self.target = target
    }
}

/// Who can reach a door, of all host addresses and interfaces for which the answer is the same.
public struct Entrance: Hashable, Sendable {
    public enum Verdict: String, Hashable, Comparable, Sendable, CaseIterable {
        case openToAnyone = "open-to-anyone"
        case openTooWide = "open-too-wide"
        case unknown
        /// The policy allows some whom something stops.
        case closedToAllowed = "closed-to-allowed"
        case asAllowed = "as-allowed"
        case closed

        public static func < (left: Self, right: Self) -> Bool {
            (allCases.firstIndex(of: left) ?? 0) < (allCases.firstIndex(of: right) ?? 0)
        }
    }

    public var door: Door
    public var addresses: [IPAddress]
    public var interfaces: [String]
    public var open: AddressSet
    public var unknown: AddressSet
    /// Open, or not known to be closed, to whom the policy does not allow.
    public var excess: AddressSet
    /// Closed to whom it allows.
    public var missing: AddressSet
    public var verdict: Verdict
    /// What stops whom the policy allows, or makes the answer unknown.
    public var reasons: [String]
}
