import Addressing
import Glibc

/// Who answers on a real container's TCP ports.
public enum Serving: Hashable, Sendable {
    /// A web server of the container's own, which is back after a restart.
    case webServer
    /// The bench, inside the container's namespace, as it always does for UDP: needed for streams.
    case bench
}

extension Container {
    /// The container's own ports, published or not.
    func ports(_ transport: TransportProtocol) throws -> [UInt16] {
        let published = try publish.flatMap(Publication.parse).map { ($0.containerPort, $0.transport) }
        let listening = try listening.map(Publication.parseListening)
        return Set((published + listening).filter { $0.1 == transport }.map(\.0)).sorted()
    }

    /// What runs in it: web servers that say its name.
    func command(serving ports: [UInt16]) -> [String] {
        let command =
            "mkdir -p /www; echo \(name) > /www/index.html; "
            + ports.map { "httpd -p \($0) -h /www; " }.joined() + "exec sleep 86400"
        return ["sh", "-c", command]
    }
}

extension DockerHost {
    /// Waits until every port of a real container, which is entered if it has any, answers with the container's name.
    func answer(for container: Container, _ serving: Serving, enter: () throws -> Place) throws {
        let (tcp, udp) = (try container.ports(.tcp), try container.ports(.udp))
        guard !tcp.isEmpty || !udp.isEmpty else { return }
        let place = try enter()
        for port in udp { try serve(container.name, at: place, on: port, [.udp]) }
        switch serving {
        case .bench: for port in tcp { try serve(container.name, at: place, on: port, [.tcp]) }
        case .webServer: try waitUntilServing(tcp, in: container.name, place)
        }
    }

    /// What the container's own web servers need to be up, seen from inside.
    private func waitUntilServing(_ ports: [UInt16], in container: String, _ place: Place) throws {
        let probes = ports.map {
            Probe(from: "127.0.0.1", to: "127.0.0.1", port: $0, at: place, expect: .answered(by: container))
        }
        let deadline = ContinuousClock.now + .seconds(10)
        while try probe(probes) != probes.map(\.expected) {
            guard ContinuousClock.now < deadline else { throw BenchError("\(container) does not serve \(ports)") }
            usleep(10_000)
        }
    }
}
