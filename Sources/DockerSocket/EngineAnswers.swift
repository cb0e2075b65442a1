internal import Addressing
internal import Docker

/// `GET /containers/json`, as far as it is used. What Go has as nil comes as null.
struct ListedContainer: Decodable, Sendable {
    var id: String
    var names: [String]?
    var labels: [String: String]?
    var hostConfig: NetworkMode?
    var networkSettings: Networks?
    var ports: [Port]?

    struct NetworkMode: Decodable, Sendable {
        var mode: String?

        enum CodingKeys: String, CodingKey { case mode = "NetworkMode" }
    }

    struct Networks: Decodable, Sendable {
        var networks: [String: Endpoint]?

        enum CodingKeys: String, CodingKey { case networks = "Networks" }
    }

    struct Port: Decodable, Sendable {
        var address: AddressField?
        var containerPort: UInt16
        /// None for a port that is only exposed.
        var hostPort: UInt16?
        var transport: TransportField

        enum CodingKeys: String, CodingKey {
            case address = "IP"
            case containerPort = "PrivatePort"
            case hostPort = "PublicPort"
            case transport = "Type"
        }
    }

    enum CodingKeys: String, CodingKey {
        case id = "Id"
        case names = "Names"
        case labels = "Labels"
        case hostConfig = "HostConfig"
        case networkSettings = "NetworkSettings"
        case ports = "Ports"
    }
}

struct Endpoint: Decodable, Sendable {
    var network: String?
    var ipv4: AddressField?
    var ipv6: AddressField?

    enum CodingKeys: String, CodingKey {
        case network = "NetworkID"
        case ipv4 = "IPAddress"
        case ipv6 = "GlobalIPv6Address"
    }
}

/// `GET /containers/ID/json`
struct InspectedContainer: Decodable, Sendable {
    var id: String
    var name: String
    var config: Config?
    var hostConfig: HostConfig?
    var networkSettings: NetworkSettings?

    struct Config: Decodable, Sendable {
        var labels: [String: String]?

        enum CodingKeys: String, CodingKey { case labels = "Labels" }
    }

    struct HostConfig: Decodable, Sendable {
        var mode: String?
        /// What `-p` asked for.
        var portBindings: PortTable?

        enum CodingKeys: String, CodingKey {
            case mode = "NetworkMode"
            case portBindings = "PortBindings"
        }
    }

    struct NetworkSettings: Decodable, Sendable {
        /// What Docker has made of it.
        var ports: PortTable?
        var networks: [String: Endpoint]?

        enum CodingKeys: String, CodingKey {
            case ports = "Ports"
            case networks = "Networks"
        }
    }

    struct HostPort: Decodable, Sendable {
        var address: AddressField?
        var ports: HostPortField?

        enum CodingKeys: String, CodingKey {
            case address = "HostIp"
            case ports = "HostPort"
        }
    }

    enum CodingKeys: String, CodingKey {
        case id = "Id"
        case name = "Name"
        case config = "Config"
        case hostConfig = "HostConfig"
        case networkSettings = "NetworkSettings"
    }
}

/// `GET /networks`
struct ListedNetwork: Decodable, Sendable {
    var id: String
    var name: String
    var driver: String
    var options: [String: String]?
    var isInternal: Bool?
    var ipam: IPAM?

    struct IPAM: Decodable, Sendable {
        var config: [Pool]?

        enum CodingKeys: String, CodingKey { case config = "Config" }
    }

    struct Pool: Decodable, Sendable {
        var subnet: SubnetField?

        enum CodingKeys: String, CodingKey { case subnet = "Subnet" }
    }

    enum CodingKeys: String, CodingKey {
        case id = "Id"
        case name = "Name"
        case driver = "Driver"
        case options = "Options"
        case isInternal = "Internal"
        case ipam = "IPAM"
    }
}

/// `GET /libpod/networks/json` of Podman. Its answer in Docker's form names no bridge, and calls the default network `bridge`, which
/// containers say they are on by its own name.
struct LibpodNetwork: Decodable, Sendable {
    var id: String
    var name: String
    var interface: String?

    enum CodingKeys: String, CodingKey {
        case id
        case name
        case interface = "network_interface"
    }
}

/// `GET /info`
struct EngineState: Decodable, Sendable {
    var swarm: Swarm?

    struct Swarm: Decodable, Sendable {
        var state: String?

        enum CodingKeys: String, CodingKey { case state = "LocalNodeState" }
    }

    enum CodingKeys: String, CodingKey { case swarm = "Swarm" }
}
