import Compiler
import MatrixSupport
import NftablesKernel
import Reconcile
import TestSupport
import Testing

@Suite(.requiresPackets) struct `What the counters have counted` {
    private static func policy(_ services: String) -> String {
        """
        version: 1
        groups:
          office: [203.0.113.0/25, "2001:db8:10::/64"]
        services:
          wiki: { publish: 8001, allow: office }
        \(services)
        """
    }

    /// Each is a change to one service, to the groups, or to what surrounds them.
    private static let changes = [
        "  shop: { publish: 8002, allow: 203.0.113.8 }",
        "  shop: { publish: [8002, 9000-9010/udp], allow: [203.0.113.8, 203.0.113.130] }",
        "  shop: { publish: [8002, 9000-9010/udp], allow: anyone, except: 203.0.113.9 }",
        "  shop: { publish: 8002, allow: office, on: [192.0.2.1] }",
        "  shop: { publish: 8002, allow: office, interfaces: [ext0] }",
        "  blog: { publish: 8003, allow: anyone }",
        "unlisted: reject",
        "host: { services: { ssh: { port: 22, allow: office } }, otherwise: drop }",
        "",
    ]

    @Test func `is kept by every apply that does not concern their service`() throws {
        let containers = [Container("app", on: .dual, publish: ["8001:80", "8002:80"])]
        try DockerHost.with(.iptables28, containers) { host in
            var connection = try KernelConnection(namespace: host.namespace.path)
            _ = try connection.apply(policy: Self.policy("  shop: { publish: 8002, allow: 203.0.113.7 }"))
            try host.expect([
                Probe(from: "203.0.113.7", to: "192.0.2.1:8001", expect: .answered(by: "app")),
                Probe(from: "2001:db8:10::7", to: "[2001:db8:1::1]:8001", expect: .answered(by: "app")),
                Probe(from: "203.0.113.200", to: "192.0.2.1:8001", expect: .silent),
                Probe(from: "203.0.113.7", to: "172.31.0.2:80", expect: .silent),
            ])
            // Closed connections have their last words first.
            let counted = try settled(&connection)
            #expect(counted.count == 2)
            #expect(counted.values.allSatisfy { $0.packets > 0 })
            for change in Self.changes {
                #expect(try connection.apply(policy: Self.policy(change)).scope == .amend, "\(change)")
                #expect(try read(&connection) == counted, "\(change)")
            }
        }
    }

    private func settled(_ connection: inout KernelConnection) throws -> [String: CounterReading] {
        var last = try read(&connection)
        while true {
            pause(.milliseconds(500))
            let now = try read(&connection)
            if now == last { return now }
            last = now
        }
    }

    private func read(_ connection: inout KernelConnection) throws -> [String: CounterReading] {
        try #require(try connection.readCounters(table: Compiler.tableName)).filter {
            $0.key.hasPrefix("service-wiki-")
        }
    }
}
