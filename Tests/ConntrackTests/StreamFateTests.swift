import Addressing
import Glibc
import TestSupport
import Testing

/// What was foretold is compared with what becomes of streams that are open.
@Suite(.requiresPackets) struct `Connections that a change ends` {
    private struct Line: Hashable {
        var transport = TransportProtocol.tcp
        var source: String
        var destination: String
        var place = Place.client
        var talk = Stream.Talk.bothWays

        var text: String { "\(transport) \(source) > \(destination)" }
    }

    private static let before = """
        version: 1
        services:
          django: { publish: [8081, 8081/udp], allow: anyone }
          dual: { publish: [8082, 8082/udp], allow: anyone }
        host:
          services: { metrics: { port: [9000, 9000/udp], allow: anyone } }
        unlisted: accept

        """

    private static let after = """
        version: 1
        groups: { office: [203.0.113.8, 198.51.100.200, "2001:db8:10::8"] }
        services:
          django: { publish: [8081, 8081/udp], allow: office }
          dual: { publish: [8082, 8082/udp], allow: office }
        host:
          services: { metrics: { port: [9000, 9000/udp], allow: office } }

        """

    /// Of clients outside, by every path; the same is asked of one that loses and of one that does not.
    private static var lines: [Line] {
        var lines: [Line] = []
        for transport in [TransportProtocol.tcp, .udp] {
            for client in ["203.0.113.7", "203.0.113.8"] {
                for destination in ["192.0.2.1:8081", "198.51.100.1:8082", "192.0.2.1:9000", "172.17.0.2:80"] {
                    lines.append(Line(transport: transport, source: client, destination: destination))
                }
            }
            for client in ["2001:db8:10::7", "2001:db8:10::8"] {
                for destination in ["[2001:db8:1::1]:8081", "[2001:db8:1::1]:8082", "[2001:db8:1::1]:9000"] {
                    lines.append(Line(transport: transport, source: client, destination: destination))
                }
            }
            for client in ["198.51.100.199", "198.51.100.200"] {
                lines.append(
                    Line(transport: transport, source: client, destination: "198.51.100.1:8081", place: .otherClient))
            }
        }
        return lines + [
            Line(source: "203.0.113.9", destination: "192.0.2.1:8081", talk: .serverOnly),
            Line(transport: .udp, source: "203.0.113.9", destination: "192.0.2.1:8081", talk: .serverOnly),
        ]
    }

    /// Of others: containers to the world and to each other, by a port that is published here; the host to a container, as
    /// docker-proxy does, and to the world.
    private static let others = [
        Line(source: "172.17.0.2", destination: "203.0.113.7:8081", place: .container("django")),
        Line(source: "172.17.0.2", destination: "172.17.0.3:8081", place: .container("django")),
        Line(transport: .udp, source: "172.17.0.2", destination: "203.0.113.7:8081", place: .container("django")),
        Line(source: "172.17.0.1", destination: "172.17.0.2:80", place: .host),
        Line(source: "192.0.2.1", destination: "203.0.113.7:8081", place: .host),
    ]

    /// Those on which nothing more is heard by whom the client would have it heard.
    private static func silent(_ streams: [(line: Line, stream: TestSupport.Stream)]) -> [Line] {
        // What is under way when the rules change is not the rules' fault.
        usleep(300_000)
        let before = streams.map { $0.stream.total }
        usleep(700_000)
        return zip(streams, before).compactMap { stream, before in
            let now = stream.stream.total
            let isSilent =
                switch stream.line.talk {
                case .bothWays: now.toServer == before.toServer
                case .serverOnly: now.toClient == before.toClient
                }
            return isSilent ? stream.line : nil
        }
    }

    @Test(arguments: [DockerEngine.iptables20, .nftables29])
    func `those that are named end, and no others`(engine: DockerEngine) throws {
        let containers = [
            Container("django", publish: ["8081:80", "8081:80/udp"]), Container("other", listening: ["8081"]),
            Container("dual", on: .dual, publish: ["8082:80", "8082:80/udp"]),
        ]
        try DockerHost.with(engine, containers) { host in
            try host.serve("metrics", at: .host, on: 9000)
            try host.serve("remote", at: .client, on: 8081)
            try Installation.with(host.namespace) { installation in
                try installation.apply(Self.before)
                let lines = Self.lines.filter { !$0.destination.hasPrefix("172.") || !engine.closesDirectRoutes }
                var streams: [(line: Line, stream: TestSupport.Stream)] = []
                for line in lines + Self.others {
                    let stream = try host.stream(
                        line.transport, from: line.source, to: line.destination, at: line.place, line.talk)
                    streams.append((line, stream))
                }
                try host.stream(from: "203.0.113.66", to: "192.0.2.1:8081").close()
                try installation.write(Self.after)
                let said = Set(try #require(try Report.of(installation, "diff").connections).map(\.text))
                #expect(Set(try Report.of(installation, "apply", "--dry-run").connections?.map(\.text) ?? []) == said)
                #expect(Self.silent(streams).isEmpty)
                let applied = try installation.run("apply")
                #expect(applied.output.contains("\ncut \(said.count) connections\n"), "\(applied)")
                let ended = Self.silent(streams)
                #expect(said == Set(ended.map(\.text)))
                #expect(!ended.isEmpty && ended.count <= streams.count - 2 * Self.others.count)
                for (_, stream) in streams { stream.close() }
            }
        }
    }
}
