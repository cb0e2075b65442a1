import Addressing
import Testing

@testable import TestSupport

/// A host with a server at the end of every path, and clients whose connections stay open.
struct Stage {
    let host: DockerHost

    enum Client: String, Sendable {
        case revoked
        case staying

        var address4: String { self == .revoked ? "203.0.113.7" : "203.0.113.9" }
        var address6: String { self == .revoked ? "2001:db8:10::7" : "2001:db8:10::9" }
    }

    /// How packets come to a server.
    struct Path: Sendable {
        var name: String
        var destination: String
        var server: String

        var isIPv6: Bool { destination.hasPrefix("[") }

        func source(_ client: Client) -> String { isIPv6 ? client.address6 : client.address4 }
    }

    static let paths = [
        Path(name: "DNAT to the same port", destination: "192.0.2.1:5432", server: "db"),
        Path(name: "DNAT to another port", destination: "192.0.2.1:8081", server: "db"),
        Path(name: "IPv6 DNAT to the same port", destination: "[2001:db8:1::1]:5433", server: "dual"),
        Path(name: "IPv6 DNAT to another port", destination: "[2001:db8:1::1]:8061", server: "dual"),
        Path(name: "docker-proxy for the same port", destination: "[2001:db8:1::1]:5432", server: "proxy:db"),
        Path(name: "docker-proxy for another port", destination: "[2001:db8:1::1]:8081", server: "proxy:db"),
        Path(name: "a process of the host", destination: "192.0.2.1:9100", server: "agent"),
        Path(name: "a process of the host over IPv6", destination: "[2001:db8:1::1]:9100", server: "agent"),
    ]

    /// Of a service that no test revokes.
    static let elsewhere = [
        Path(name: "another service by DNAT", destination: "192.0.2.1:8090", server: "other"),
        Path(name: "another service by docker-proxy", destination: "[2001:db8:1::1]:8090", server: "proxy:other"),
    ]

    static func policy(staff: [Client]) -> String {
        """
        version: 1
        groups:
          staff: [\(staff.map { "\($0.address4), \"\($0.address6)\"" }.joined(separator: ", "))]
          all: [203.0.113.0/24, "2001:db8:10::/48"]
        services:
          db: { publish: [5432, 5432/udp, 8081, 8081/udp], allow: staff }
          dual: { publish: [5433, 5433/udp, 8061, 8061/udp], allow: staff }
          agent: { publish: [9100, 9100/udp], allow: staff }
          other: { publish: [8090, 8090/udp], allow: all }
        """
    }

    static func with(_ engine: DockerEngine, _ body: (Stage) throws -> Void) throws {
        let containers = [
            Container("db", publish: ["5432:5432", "5432:5432/udp", "8081:80", "8081:80/udp"]),
            Container("dual", on: .dual, publish: ["5433:5433", "5433:5433/udp", "8061:80", "8061:80/udp"]),
            Container("other", publish: ["8090:80", "8090:80/udp"]),
        ]
        try DockerHost.with(engine, containers) { host in
            try host.serve("agent", at: .host, on: 9100)
            try body(Stage(host: host))
        }
    }

    // MARK: Streams

    struct OpenStream: CustomStringConvertible {
        var client: Client
        var path: Path
        var transport: TransportProtocol
        var talk: Stream.Talk
        var stream: Stream

        var description: String { "\(transport) of the \(client) client, \(path.name), \(talk)" }
    }

    func open(_ client: Client, talking talks: [Stream.Talk], on paths: [Path]) throws -> [OpenStream] {
        try paths.flatMap { path in
            try [TransportProtocol.tcp, .udp].flatMap { transport in
                try talks.map { talk in
                    OpenStream(
                        client: client, path: path, transport: transport, talk: talk,
                        stream: try host.open(transport, from: path.source(client), to: path.destination, talk))
                }
            }
        }
    }

    func waitUntilFlowing(_ streams: [OpenStream]) throws {
        for stream in streams { try waitUntilFlowing(stream, since: .none) }
    }

    /// What arrives from now on, of all at once. That the others flow meanwhile shows that the silence is no mere pause of a
    /// loaded machine.
    func flows(
        of streams: [OpenStream], during time: Duration, while others: [OpenStream]
    ) throws -> [(OpenStream, Stream.Flow)] {
        let before = streams.map(\.stream.total)
        let othersBefore = others.map(\.stream.total)
        pause(time)
        for (other, before) in zip(others, othersBefore) { try waitUntilFlowing(other, since: before) }
        return zip(streams, before).map { ($0, $0.stream.total - $1) }
    }

    func waitUntilFlowing(_ stream: OpenStream, since before: Stream.Flow) throws {
        do {
            try stream.stream.waitUntilFlowing(since: before)
        } catch { throw BenchError("\(stream): \(error)") }
    }

    /// Ends the streams: everything that was ever sent has arrived.
    func expectNothingLost(_ streams: [OpenStream], sourceLocation: SourceLocation = #_sourceLocation) {
        for stream in streams {
            #expect(stream.stream.lost() == .none, "\(stream)", sourceLocation: sourceLocation)
        }
    }

    /// Deletes conntrack's entries of a client.
    func forget(_ client: Client) throws {
        try host.run("conntrack", "-D", "-s", client.address4).orThrow()
        try host.run("conntrack", "-D", "-f", "ipv6", "-s", client.address6).orThrow()
    }

    /// Long enough for a cut TCP server to have repeated itself anew: it does after 0.2, 0.6, 1.4 and 3 seconds (RFC 6298).
    static let repetitions: Duration = .seconds(2)
}
