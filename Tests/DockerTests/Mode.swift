import TestSupport
import Testing

/// One daemon at a time: three of them make a small machine slow.
@Suite(.serialized, .requiresDocker) struct `A real Docker` {}

/// A way to run dockerd that changes which way packets take.
enum Mode: String, CaseIterable, CustomStringConvertible {
    /// DNAT for IPv4, docker-proxy for IPv6.
    case standard
    /// DNAT for both, where the network has both.
    case translatingIPv6
    /// DNAT alone.
    case withoutProxy
    /// docker-proxy alone.
    case withoutIptables

    var flags: [String] {
        switch self {
        case .standard: []
        case .translatingIPv6: ["--ip6tables", "--experimental"]
        case .withoutProxy: ["--userland-proxy=false"]
        case .withoutIptables: ["--iptables=false"]
        }
    }

    var hasProxy: Bool { self != .withoutProxy }
    var hasNAT: Bool { self != .withoutIptables }

    var description: String { rawValue }
}
