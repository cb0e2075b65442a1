public import Addressing

/// What an engine runs at one moment, as far as it decides who may reach what. In name order, so that equal hosts are equal values.
public struct Inventory: Hashable, Sendable {
    /// Those that run, or are being started.
    public var containers: [Container]
    public var networks: [Network]
    /// Whether the engine is a node of a swarm: its overlay networks come in as VXLAN, 4789/udp.
    public var isInSwarm: Bool
    /// Where docker-proxy's sockets are told from all others by their control group; nil where they are not.
    public var proxyGroup: ProxyGroup?

    public init(
        containers: [Container] = [], networks: [Network] = [], isInSwarm: Bool = false, proxyGroup: ProxyGroup? = nil
    ) {
        self.containers = containers
        self.networks = networks
        self.isInSwarm = isInSwarm
        self.proxyGroup = proxyGroup
    }

    public func network(id: String) -> Network? { networks.first { $0.id == id } }
}

/// The control group (cgroups(7), version 2) that an engine and its docker-proxies are in, and nobody else. A restart of the
/// engine makes another one, of the same path and with another number.
public struct ProxyGroup: Sendable {
    /// The kernel's number for it.
    public var id: UInt64
    /// Below `/sys/fs/cgroup`.
    public var path: String
    /// How far it is below the root of the hierarchy.
    public var level: UInt8
    /// What its docker-proxies were started for, whether Docker says so already or not. Nothing that makes it another group.
    public var proxiedPorts: Set<PortRange>

    public init(id: UInt64, path: String, level: UInt8, proxiedPorts: Set<PortRange> = []) {
        self.id = id
        self.path = path
        self.level = level
        self.proxiedPorts = proxiedPorts
    }
}

extension ProxyGroup: Hashable {
    public static func == (left: Self, right: Self) -> Bool {
        left.id == right.id && left.path == right.path && left.level == right.level
    }

    public func hash(into hasher: inout Hasher) { hasher.combine(id) }
}

public struct Container: Hashable, Sendable {
    public var id: String
    public var name: String
    public var labels: [String: String]
    /// `--network host`: its ports are the machine's own.
    public var usesHostNetwork: Bool
    public var attachments: [Attachment]
    /// What it has published: `docker ps` shows it as `0.0.0.0:8081->80/tcp`.
    public var bindings: [Binding]
    /// What was asked to be published, by the container's port (`-p`), also where the network has no NAT to do it by.
    public var publishedPorts: [PortRange]

    public init(
        id: String, name: String, labels: [String: String] = [:], usesHostNetwork: Bool = false,
        attachments: [Attachment] = [], bindings: [Binding] = [], publishedPorts: [PortRange] = []
    ) {
        self.id = id
        self.name = name
        self.labels = labels
        self.usesHostNetwork = usesHostNetwork
        self.attachments = attachments
        self.bindings = bindings
        self.publishedPorts = publishedPorts
    }

    /// `PROJECT/SERVICE` of Docker Compose, which leaves them as labels.
    public var composeService: String? {
        guard let project = labels["com.docker.compose.project"], let service = labels["com.docker.compose.service"]
        else { return nil }
        return "\(project)/\(service)"
    }
}

/// A container on a network.
public struct Attachment: Hashable, Sendable {
    /// `Network.id`
    public var network: String
    public var ipv4: IPv4Address?
    public var ipv6: IPv6Address?

    public init(network: String, ipv4: IPv4Address? = nil, ipv6: IPv6Address? = nil) {
        self.network = network
        self.ipv4 = ipv4
        self.ipv6 = ipv6
    }

    public var addresses: [IPAddress] { [ipv4.map(IPAddress.v4), ipv6.map(IPAddress.v6)].compactMap(\.self) }
}

/// A port of the host that leads to one of a container.
public struct Binding: Hashable, Comparable, Sendable {
    /// `0.0.0.0` and `::` stand for every address of their family.
    public var hostAddress: IPAddress
    public var hostPort: UInt16
    public var transport: TransportProtocol
    public var containerPort: UInt16

    public init(
        hostAddress: IPAddress, hostPort: UInt16, transport: TransportProtocol, containerPort: UInt16
    ) {
        self.hostAddress = hostAddress
        self.hostPort = hostPort
        self.transport = transport
        self.containerPort = containerPort
    }

    public static func < (left: Self, right: Self) -> Bool {
        (left.transport, left.hostPort, left.hostAddress, left.containerPort)
            < (right.transport, right.hostPort, right.hostAddress, right.containerPort)
    }
}
