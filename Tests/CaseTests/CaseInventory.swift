import Addressing
import Docker

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

    /// A process that answers with its name.
    struct Server: Decodable, Sendable {
        var name: String
        /// `53/udp`; a port alone is of both protocols.
        var port: String
    }

    var containers: [PublishedContainer]
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
        return Inventory(
            containers: try zip(containers, attachments).map { try $0.asked($1) }.sorted { $0.name < $1.name },
            networks: try bridges.map { bridge in
                Network(
                    id: bridge.name, name: bridge.name, bridge: try InterfaceName(bridge.name),
                    gatewayMode4: bridge.mode, gatewayMode6: bridge.mode)
            })
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

extension CaseInventory.PublishedContainer {
    fileprivate func asked(_ attachment: TestSupport.Attachment) throws -> Docker.Container {
        let isMapped = attachment.bridge.gateway != .routed
        return Docker.Container(
            id: name, name: name, labels: labels ?? [:],
            attachments: [
                Docker.Attachment(
                    network: attachment.bridge.name, ipv4: IPAddress(attachment.address4)?.v4,
                    ipv6: attachment.address6.flatMap(IPAddress.init)?.v6)
            ],
            bindings: isMapped ? attachment.publications.flatMap(\.bindings).sorted() : [],
            publishedPorts: Set(
                attachment.publications.map { PortRange($0.transport, $0.containerPort...$0.containerPort) }
            ).sorted())
    }
}

extension Publication {
    /// Without an address, Docker binds one port in each family.
    fileprivate var bindings: [Binding] {
        (hostAddress.map { [$0] } ?? ["0.0.0.0", "::"]).compactMap(IPAddress.init).map {
            Binding(hostAddress: $0, hostPort: hostPort, transport: transport, containerPort: containerPort)
        }
    }
}

extension Bridge {
    /// `com.docker.network.bridge.name` of a user's own.
    static let lab = Bridge("lab0", "172.26.0.0/24")

    fileprivate var mode: Network.GatewayMode {
        switch gateway {
        case .nat, .internal: .nat
        case .routed: .routed
        case .natUnprotected: .natUnprotected
        }
    }
}

extension IPAddress {
    fileprivate var v4: IPv4Address? { if case .v4(let address) = self { address } else { nil } }
    fileprivate var v6: IPv6Address? { if case .v6(let address) = self { address } else { nil } }
}
