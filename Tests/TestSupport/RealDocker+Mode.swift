extension RealDocker {
    /// A way to run dockerd that changes which way packets take.
    public enum Mode: String, CaseIterable, CustomStringConvertible, Sendable {
        /// DNAT for IPv4, docker-proxy for IPv6.
        case standard
        /// DNAT for both, where the network has both.
        case translatingIPv6
        /// DNAT alone.
        case withoutProxy
        /// docker-proxy alone.
        case withoutIptables

        public var flags: [String] {
            switch self {
            case .standard: []
            case .translatingIPv6: ["--ip6tables", "--experimental"]
            case .withoutProxy: ["--userland-proxy=false"]
            case .withoutIptables: ["--iptables=false"]
            }
        }

        public var hasProxy: Bool { self != .withoutProxy }
        public var hasNAT: Bool { self != .withoutIptables }

        public var description: String { rawValue }
    }
}
