public import Addressing

/// What a stage is built from.
public struct StageSetting: Sendable {
    public struct Interface: Hashable, Sendable {
        public var name: String
        /// The host's own addresses on it.
        public var addresses: [IPAddress]

        public init(_ name: String, _ addresses: [IPAddress]) {
            self.name = name
            self.addresses = addresses
        }
    }

    /// A network of containers behind a bridge of the host.
    public struct Bridge: Hashable, Sendable {
        public struct Subnet: Hashable, Sendable {
            /// The host's own address in it.
            public var gateway: IPAddress
            public var prefixLength: Int

            public init(gateway: IPAddress, prefixLength: Int) {
                self.gateway = gateway
                self.prefixLength = prefixLength
            }
        }

        public var name: String
        public var subnets: [Subnet]

        public init(_ name: String, _ subnets: [Subnet]) {
            self.name = name
            self.subnets = subnets
        }
    }

    /// An attachment of a container. It answers on every port of its addresses.
    public struct Container: Hashable, Sendable {
        /// The name of its bridge, or of the interface whose wire it shares with the host (macvlan).
        public var link: String
        public var addresses: [IPAddress]

        public init(on link: String, _ addresses: [IPAddress]) {
            self.link = link
            self.addresses = addresses
        }
    }

    /// Where clients are. There must be one at least.
    public var interfaces: [Interface]
    public var bridges: [Bridge]
    public var containers: [Container]
    /// Ports at which somebody listens on all of the host's addresses: services of its own, and docker-proxy. SCTP has no listeners.
    public var listeners: [PortRange]
    /// Further settings of the host's kernel, as `ipv4/conf/all/route_localnet` and their values, under `/proc/sys/net`.
    public var kernelSettings: [String: String]

    public init(
        interfaces: [Interface], bridges: [Bridge] = [], containers: [Container] = [], listeners: [PortRange] = [],
        kernelSettings: [String: String] = [:]
    ) {
        self.interfaces = interfaces
        self.bridges = bridges
        self.containers = containers
        self.listeners = listeners
        self.kernelSettings = kernelSettings
    }
}
