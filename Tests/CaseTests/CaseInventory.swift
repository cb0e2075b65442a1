import Addressing

@testable import TestSupport

/// `inventory.json`: what runs on the host and beyond it.
struct CaseInventory: Decodable, Sendable {
    struct PublishedContainer: Decodable, Sendable {
        var name: String
        var network: String
        var publish: [String]
        var listening: [String]?
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

    func benchContainers() throws -> [Container] {
        try containers.map { container in
            guard let bridge = Self.bridges.first(where: { $0.name == container.network }) else {
                throw BenchError("\(container.name): there is no network \(container.network)")
            }
            return Container(
                container.name, on: bridge, publish: container.publish, listening: container.listening ?? [])
        }
    }

    private static let bridges: [Bridge] = [.docker0, .user, .dual]

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
