public import Addressing

public struct Network: Hashable, Sendable {
    public var id: String
    public var name: String
    public var driver: Driver
    /// `docker0`, `br-0123456789ab`, or `com.docker.network.bridge.name`.
    public var bridge: InterfaceName?
    /// Of a macvlan or ipvlan network: the interface of the host that its containers are on.
    public var parent: InterfaceName?
    public var gatewayMode4: GatewayMode
    public var gatewayMode6: GatewayMode
    public var subnets: [AddressText]
    public var isInternal: Bool

    public init(
        id: String, name: String, driver: Driver = .bridge, bridge: InterfaceName? = nil,
        parent: InterfaceName? = nil, gatewayMode4: GatewayMode = .nat, gatewayMode6: GatewayMode = .nat,
        subnets: [AddressText] = [], isInternal: Bool = false
    ) {
        self.id = id
        self.name = name
        self.driver = driver
        self.bridge = bridge
        self.parent = parent
        self.gatewayMode4 = gatewayMode4
        self.gatewayMode6 = gatewayMode6
        self.subnets = subnets
        self.isInternal = isInternal
    }

    public enum Driver: Hashable, Sendable {
        case bridge
        case host
        case none
        case macvlan
        case ipvlan
        case overlay
        /// Of a plugin: how its packets come is not known.
        case other(String)

        /// As the API names it.
        public init(name: String) {
            switch name {
            case "bridge": self = .bridge
            case "host": self = .host
            case "null": self = .none
            case "macvlan": self = .macvlan
            case "ipvlan": self = .ipvlan
            case "overlay": self = .overlay
            case let name: self = .other(name)
            }
        }

        public var name: String {
            switch self {
            case .bridge: "bridge"
            case .host: "host"
            case .none: "null"
            case .macvlan: "macvlan"
            case .ipvlan: "ipvlan"
            case .overlay: "overlay"
            case .other(let name): name
            }
        }
    }

    /// `com.docker.network.bridge.gateway_mode_ipv4` and `…_ipv6`, of Docker 27 and later.
    public enum GatewayMode: String, Hashable, Sendable, CaseIterable {
        case nat
        case natUnprotected = "nat-unprotected"
        case routed
        case isolated

        /// Whether a container is reached at its own address from outside.
        public var isDirect: Bool { self == .routed || self == .natUnprotected }
    }

    public func gatewayMode(_ family: AddressFamily) -> GatewayMode {
        switch family {
        case .ipv4: gatewayMode4
        case .ipv6: gatewayMode6
        }
    }
}
