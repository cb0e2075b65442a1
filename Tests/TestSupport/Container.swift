/// A container as the topology plays it: a namespace with servers that answer with the container's name.
public struct Container: Hashable, Sendable {
    public var name: String
    public var bridge: Bridge
    /// As after `docker run -p`: `8081:80`, `8081:80/udp`, `192.0.2.1:8082:80`, `[2001:db8:1::1]:8061:80`, `7000-7003:7000-7003`.
    public var publish: [String]
    /// Ports served but not published: `9000`, `9000/udp`.
    public var listening: [String]

    public init(_ name: String, on bridge: Bridge = .docker0, publish: [String] = [], listening: [String] = []) {
        self.name = name
        self.bridge = bridge
        self.publish = publish
        self.listening = listening
    }
}

/// A Docker network's bridge.
public struct Bridge: Hashable, Sendable {
    /// `com.docker.network.bridge.gateway_mode`, and `--internal`.
    public enum Gateway: Hashable, Sendable {
        case nat
        case routed
        case natUnprotected
        case `internal`
    }

    public var name: String
    public var network4: String
    public var network6: String?
    public var gateway: Gateway

    public init(_ name: String, _ network4: String, _ network6: String? = nil, gateway: Gateway = .nat) {
        self.name = name
        self.network4 = network4
        self.network6 = network6
        self.gateway = gateway
    }

    /// Docker's default bridge, IPv4 only, as it is unless asked: over IPv6 its ports are docker-proxy's.
    public static let docker0 = Bridge("docker0", "172.17.0.0/16")
    /// A user-defined bridge, IPv4 only.
    public static let user = Bridge("br-ub", "172.30.0.0/24")
    /// A user-defined dual-stack bridge.
    public static let dual = Bridge("br-n6", "172.31.0.0/24", "2001:db8:6::/64")
    /// `gateway_mode=routed`, dual-stack.
    public static let routed = Bridge("br-rt", "172.28.0.0/24", "2001:db8:7::/64", gateway: .routed)
    /// `gateway_mode=nat-unprotected`, dual-stack.
    public static let unprotected = Bridge("br-up", "172.27.0.0/24", "2001:db8:8::/64", gateway: .natUnprotected)
    /// `--internal`.
    public static let isolated = Bridge("br-int", "172.29.0.0/24", gateway: .internal)

    /// The gateway is host 1, containers are hosts 2, 3, …
    func address4(_ host: UInt32) throws -> String { try hostAddress(host, in: network4) }

    func address6(_ host: UInt32) throws -> String? { try network6.map { try hostAddress(host, in: $0) } }

    static func length(of network: String) -> Substring { network.split(separator: "/").last ?? "" }
}
