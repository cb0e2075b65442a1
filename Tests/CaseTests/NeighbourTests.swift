import MatrixSupport
import NftablesKernel
import Reconcile
import TestSupport
import Testing

@Suite(.requiresPackets) struct `A neighbour who addresses the host's loopback` {
    static let containers = [
        Container("app", publish: ["8081:80", "8082:80"]), Container("inner", publish: ["127.0.0.1:8084:80"]),
    ]

    @Test(arguments: [DockerEngine.iptables20, .iptables28, .nftables29], ["drop", "accept"])
    func `reaches nothing, not even what is open to everyone or unlisted`(
        engine: DockerEngine, unlisted: String
    ) throws {
        try DockerHost.with(engine, Self.containers) { host in
            try host.routeLoopbackToHost()
            let open = Probe(from: "192.0.2.10", to: "127.0.0.1:8081", expect: .answered(by: "app"))
            // Docker 28 sees to ports that are published to loopback alone.
            let inner = Probe(
                from: "203.0.113.7", to: "127.0.0.1:8084",
                expect: engine.closesDirectRoutes ? .silent : .answered(by: "inner"))
            try host.expect([open, inner], "without us")
            var connection = try KernelConnection(namespace: host.namespace.path)
            _ = try connection.apply(
                policy: """
                    version: 1
                    services:
                      app: { publish: 8081, allow: anyone }
                      inner: { publish: 8084, allow: anyone }
                    unlisted: \(unlisted)
                    """)
            try host.expect([
                Probe(from: "192.0.2.10", to: "127.0.0.1:8081", expect: .silent),
                Probe(from: "192.0.2.10", to: "127.0.0.1:8082", expect: .silent),
                Probe(from: "203.0.113.7", to: "127.0.0.1:8084", expect: .silent),
                Probe(from: "192.0.2.10", to: "192.0.2.1:8081", expect: .answered(by: "app")),
                Probe(from: "127.0.0.1", to: "127.0.0.1:8084", at: .host, expect: .answered(by: "proxy:inner")),
            ])
        }
    }
}
