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
            containers: zip(containers, attachments).map { Docker.Container($1, labels: $0.labels ?? [:]) }
                .sorted { $0.name < $1.name },
            networks: try bridges.map { try Network($0) })
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
