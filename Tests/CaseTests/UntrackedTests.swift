import MatrixSupport
import NftablesKernel
import Reconcile
import TestSupport
import Testing

/// A name server that many ask has its packets kept out of conntrack: there is no telling then who dialled what.
@Suite(.requiresPackets) struct `A port that conntrack was told not to follow` {
    private static let policies = [
        "host: { services: { dns: { port: 53/udp, allow: ALLOW } } }",
        "host: { services: { dns: { port: 53/udp, allow: ALLOW } }, otherwise: drop }",
        "services: { dns: { publish: 53/udp, allow: ALLOW } }",
        "services: { dns: { publish: 53/udp, allow: ALLOW } }\nhost: { otherwise: drop }",
        "services: { dns: { publish: any, allow: ALLOW } }\nhost: { services: { dns: { port: 53/udp, allow: ALLOW } } }",
    ]

    private func with(_ policy: String, _ body: (DockerHost) throws -> Void) throws {
        try DockerHost.with { host in
            try host.serve("dns", at: .host, on: 53)
            try host.load(
                """
                table inet untracking {
                    chain prerouting {
                        type filter hook prerouting priority -300;
                        udp dport 53 notrack
                    }
                    chain output {
                        type filter hook output priority -300;
                        udp sport 53 notrack
                    }
                }
                """)
            var connection = try KernelConnection(namespace: host.namespace.path)
            let services = policy.hasPrefix("services") ? "" : "services: {}\n"
            _ = try connection.apply(policy: "version: 1\n\(services)\(policy)\nunlisted: drop\n")
            try body(host)
        }
    }

    private func expect(_ outcome: Outcome, allowing sources: String, _ policy: String) throws {
        try with(policy.replacing("ALLOW", with: sources)) { host in
            try host.expect([
                Probe(.udp, from: "203.0.113.7", to: "192.0.2.1:53", expect: outcome),
                Probe(.udp, from: "2001:db8:10::7", to: "[2001:db8:1::1]:53", expect: outcome),
            ])
        }
    }

    @Test(arguments: policies) func `is open where everyone may enter`(policy: String) throws {
        try expect(.answered(by: "dns"), allowing: "anyone", policy)
    }

    @Test(arguments: policies) func `is closed to all where not everyone may enter`(policy: String) throws {
        try expect(.silent, allowing: "[203.0.113.0/24, \"2001:db8:10::/48\"]", policy)
    }

    private static let otherwise = ["", "\nhost: { otherwise: drop }"]

    @Test(arguments: otherwise) func `is open through the interfaces of its service only`(otherwise: String) throws {
        try with("services: { dns: { publish: 53/udp, interfaces: [ext0], allow: anyone } }\(otherwise)") { host in
            try host.expect([
                Probe(.udp, from: "203.0.113.7", to: "192.0.2.1:53", expect: .answered(by: "dns")),
                Probe(.udp, from: "198.51.100.130", to: "198.51.100.1:53", at: .otherClient, expect: .silent),
            ])
        }
    }

    /// Which address was dialled only conntrack knows.
    @Test(arguments: otherwise) func `is closed where its service is bound to an address`(otherwise: String) throws {
        try with("services: { dns: { publish: 53/udp, on: [192.0.2.1], allow: anyone } }\(otherwise)") { host in
            try host.expect([
                Probe(.udp, from: "203.0.113.7", to: "192.0.2.1:53", expect: .silent),
                Probe(.udp, from: "203.0.113.7", to: "198.51.100.1:53", expect: .silent),
            ])
        }
    }
}
