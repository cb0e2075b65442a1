import Addressing
import Docker

@testable import MatrixSupport
@testable import TestSupport

/// `inventory.json`: what runs on the host and beyond it.
struct CaseInventory: Decodable, Sendable {
    struct PublishedContainer: Decodable, Sendable {
        var name: String
        var network: String
        var publish: [String]
        var listening: [String]?
        var labels: [String: String]?
    }

    /// One with addresses of its own on the wire of `ext0`.
    struct WireContainer: Decodable, Sendable {
        var name: String
        var address4: String
        var address6: String
        var listening: [UInt16]
        var labels: [String: String]?
    }

    /// A process that answers with its name.
    struct Server: Decodable, Sendable {
        var name: String
        /// `53/udp`; a port alone is of both protocols.
        var port: String
    }

    var containers: [PublishedContainer]
    var macvlan: [WireContainer]?
    var host: [Server]?
    var outside: [Server]?

    func benchContainers() throws -> [TestSupport.Container] {
        try containers.map { container in
            guard let bridge = Self.bridges.first(where: { $0.name == container.network }) else {
                throw BenchError("\(container.name): there is no network \(container.network)")
            }
            return TestSupport.Container(
                container.name, on: bridge, publish: container.publish, listening: container.listening ?? [])
        }
    }

    private static let bridges: [Bridge] = [.docker0, .user, .dual, .routed, .unprotected, .lab]

    /// The same as Docker's API tells it.
    func asked() throws -> Inventory {
        let attachments = try DockerHost.attach(benchContainers())
        let bridges = Set(attachments.map(\.bridge)).sorted { $0.name < $1.name }
        let asked = zip(containers, attachments).map { Docker.Container($1, labels: $0.labels ?? [:]) }
        return Inventory(
            containers: (asked + (macvlan ?? []).map(\.asked)).sorted { $0.name < $1.name },
            networks: try bridges.map { try Network($0) } + (macvlan == nil ? [] : [WireContainer.network()]))
    }

    /// Starts what is on the wire while `body` runs.
    func onTheWire(of host: DockerHost, _ body: () throws -> Void) throws {
        try Self.start((macvlan ?? [])[...], on: host, body)
    }

    private static func start(
        _ containers: ArraySlice<WireContainer>, on host: DockerHost, _ body: () throws -> Void
    ) throws {
        guard let container = containers.first else { return try body() }
        try host.withMacvlan(container.address4, container.address6) { namespace in
            for port in container.listening { try host.serve(container.name, at: .namespace(namespace), on: port) }
            try start(containers.dropFirst(), on: host, body)
        }
    }

    /// Starts what serves outside of containers.
    func serve(on host: DockerHost) throws {
        for server in self.host ?? [] { try server.start(on: host, at: .host) }
        for server in outside ?? [] {
            for place in [Place.client, .otherClient] { try server.start(on: host, at: place) }
        }
    }
}

extension CaseInventory.Server {
    fileprivate func start(on host: DockerHost, at place: Place) throws {
        let parts = port.split(separator: "/").map(String.init)
        let transports = parts.count == 2 ? TransportProtocol(parts[1]).map { [$0] } : [.tcp, .udp]
        guard let number = UInt16(parts[0]), let transports else { throw BenchError("\(port): not a port") }
        try host.serve(name, at: place, on: number, transports)
    }
}

extension Bridge {
    /// `com.docker.network.bridge.name` of a user's own.
    static let lab = Bridge("lab0", "172.26.0.0/24")
}

extension CaseInventory.WireContainer {
    fileprivate static func network() throws -> Network {
        Network(id: "lan", name: "lan", driver: .macvlan, parent: try InterfaceName("ext0"))
    }

    fileprivate var asked: Docker.Container {
        let addresses = [address4, address6].compactMap(IPAddress.init)
        var attachment = Docker.Attachment(network: "lan")
        for address in addresses {
            switch address {
            case .v4(let address): attachment.ipv4 = address
            case .v6(let address): attachment.ipv6 = address
            }
        }
        return Docker.Container(id: name, name: name, labels: labels ?? [:], attachments: [attachment])
    }
}

extension DockerHost {
    /// A macvlan child of `ext0` in a namespace of its own: as the client sees it, one more machine on the wire.
    func withMacvlan(_ address4: String, _ address6: String, _ body: (NetworkNamespace) throws -> Void) throws {
        try NetworkNamespace.with("wire") { wire in
            try namespace.ip("link add wire0 link ext0 type macvlan mode bridge")
            try namespace.ip("link set wire0 netns \(wire.name)")
            try wire.ip("link set lo up")
            try wire.ip("link set wire0 up")
            try wire.ip("address add \(address4)/24 dev wire0")
            try wire.ip("address add \(address6)/64 dev wire0 nodad")
            try wire.ip("route add default via 192.0.2.10")
            try wire.ip("route add default via 2001:db8:1::10")
            try body(wire)
        }
    }
}
