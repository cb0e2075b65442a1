import Addressing
import MatrixSupport
import NftablesKernel
import Reconcile
import Testing

@testable import TestSupport

@Suite(.requiresPackets) struct `A router that says a packet was too big` {
    /// By which a server comes to know a smaller MTU.
    private struct Path {
        var destination: String
        var dialled: (address: String, port: UInt16)
        var client: String
        var router: String
        var server: Place
        var answer: String
    }

    private static let paths = [
        Path(
            destination: "192.0.2.1:8081", dialled: ("192.0.2.1", 8081), client: "203.0.113.7", router: "192.0.2.66",
            server: .container("app"), answer: "app"),
        Path(
            destination: "[2001:db8:1::1]:8081", dialled: ("2001:db8:1::1", 8081), client: "2001:db8:10::7",
            router: "2001:db8:1::66", server: .container("app"), answer: "app"),
        Path(
            destination: "192.0.2.1:9100", dialled: ("192.0.2.1", 9100), client: "203.0.113.8", router: "192.0.2.66",
            server: .host, answer: "agent"),
        Path(
            destination: "[2001:db8:1::1]:9100", dialled: ("2001:db8:1::1", 9100), client: "2001:db8:10::8",
            router: "2001:db8:1::66", server: .host, answer: "agent"),
    ]

    @Test(arguments: [DockerEngine.iptables28, .nftables29], ["drop", "accept"])
    func `is heard by the server, wherever it is`(engine: DockerEngine, otherwise: String) throws {
        try DockerHost.with(engine, [Container("app", on: .dual, publish: ["8081:80/udp"])]) { host in
            try host.serve("agent", at: .host, on: 9100)
            var connection = try KernelConnection(namespace: host.namespace.path)
            _ = try connection.apply(
                policy: """
                    version: 1
                    services:
                      app: { publish: 8081/udp, allow: [203.0.113.7, "2001:db8:10::7"] }
                      agent: { publish: 9100/udp, allow: [203.0.113.8, "2001:db8:10::8"] }
                    host: { otherwise: \(otherwise) }
                    """)
            for path in Self.paths {
                try host.expect([
                    Probe(
                        .udp, from: path.client, sourcePort: 45000, to: path.destination,
                        expect: .answered(by: path.answer))
                ])
                #expect(try !Self.knowsSmallerMTU(path, host))
                let sender = try #require(IPAddress(path.dialled.address))
                let receiver = try #require(IPAddress(path.client))
                let message = PacketTooBig(
                    source: path.router, sender: (sender, path.dialled.port), receiver: (receiver, 45000))
                try message.send(from: .client, of: host)
                var isKnown = false
                for _ in 0..<100 where !isKnown {
                    isKnown = try Self.knowsSmallerMTU(path, host)
                    if !isKnown { pause(.milliseconds(10)) }
                }
                #expect(isKnown, "\(path.destination)")
            }
        }
    }

    private static func knowsSmallerMTU(_ path: Path, _ host: DockerHost) throws -> Bool {
        try host.namespace(of: path.server).run("ip", "route", "get", path.client).orThrow()
            .contains("mtu \(PacketTooBig.mtu)")
    }
}
