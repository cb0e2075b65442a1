/// The protocols with ports that Docker publishes (`-p 80:80/sctp`); the raw value is the IANA protocol number.
public enum TransportProtocol: UInt8, Hashable, Comparable, CaseIterable, Sendable, CustomStringConvertible {
    case tcp = 6
    case udp = 17
    case sctp = 132

    public init?(_ text: String) {
        switch text {
        case "tcp": self = .tcp
        case "udp": self = .udp
        case "sctp": self = .sctp
        default: return nil
        }
    }

    public var description: String {
        switch self {
        case .tcp: "tcp"
        case .udp: "udp"
        case .sctp: "sctp"
        }
    }

    public static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}

/// A port or a range of ports of one protocol, `7000-7010/tcp`.
public struct PortRange: Hashable, Comparable, Sendable, CustomStringConvertible {
    public var transport: TransportProtocol
    public var ports: ClosedRange<UInt16>

    public init(_ transport: TransportProtocol, _ ports: ClosedRange<UInt16>) {
        self.transport = transport
        self.ports = ports
    }

    public static func < (left: Self, right: Self) -> Bool {
        (left.transport, left.ports.lowerBound, left.ports.upperBound)
            < (right.transport, right.ports.lowerBound, right.ports.upperBound)
    }

    public var description: String { "\(ports.text)/\(transport)" }
}

extension ClosedRange<UInt16> {
    public var text: String { count == 1 ? "\(lowerBound)" : "\(lowerBound)-\(upperBound)" }
}
