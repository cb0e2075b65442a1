import Foundation
import TestSupport
import Testing

/// On a real engine: containers with addresses of their own on the network that `ext0` is in.
@Suite(.serialized, .requiresDocker) struct `A macvlan network of Docker` {
    private static let policy = """
        version: 1
        services:
          web: { container: web, port: [80, 80/udp], allow: [203.0.113.0/28, "2001:db8:10::/64"] }
          bridged: { publish: 8081, allow: [203.0.113.0/28, "2001:db8:10::/64"] }

        """

    private static func web(_ name: String) -> Container { Container(name, listening: ["80", "80/udp", "81"]) }

    private static func place(_ host: Int) -> [String] {
        ["--network", "lan", "--ip", "192.0.2.\(host)", "--ip6", "2001:db8:1::\(host)"]
    }

    private func with(_ body: (RealDocker, Installation) throws -> Void) throws {
        try RealDocker.with { docker in
            try Installation.with(docker.host.namespace) { installation in
                try docker.docker(
                    [
                        "network", "create", "-d", "macvlan", "-o", "parent=ext0", "--subnet", "192.0.2.0/24",
                        "--gateway",
                        "192.0.2.10", "--ipv6", "--subnet", "2001:db8:1::/64", "--gateway", "2001:db8:1::10", "lan",
                    ])
                try docker.run(Container("bridged", publish: ["8081:80"]))
                try docker.run(Self.web("web"), options: Self.place(50))
                try docker.run(Self.web("other"), options: Self.place(51))
                try installation.write(Self.policy)
                try body(docker, installation)
            }
        }
    }

    private func probes(_ host: Int, _ port: Int, allowed: Outcome) -> [Probe] {
        [Probe.Kind.tcp, .udp].filter { $0 == .tcp || port == 80 }.flatMap { kind in
            [
                Probe(kind, from: "203.0.113.7", to: "192.0.2.\(host):\(port)", expect: allowed),
                Probe(kind, from: "203.0.113.99", to: "192.0.2.\(host):\(port)", expect: .silent),
                Probe(kind, from: "2001:db8:10::7", to: "[2001:db8:1::\(host)]:\(port)", expect: allowed),
                Probe(kind, from: "2001:db8:10:1::7", to: "[2001:db8:1::\(host)]:\(port)", expect: .silent),
            ]
        }
    }

    @Test func `is guarded, and takes nothing from bridges behind the same interface`() throws {
        try with { docker, installation in
            let host = docker.host
            try host.expect([
                Probe(from: "203.0.113.99", to: "192.0.2.50:80", expect: .answered(by: "web")),
                Probe(from: "2001:db8:10:1::7", to: "[2001:db8:1::51]:81", expect: .answered(by: "other")),
            ])
            let applied = try installation.run("apply", "--docker", docker.socket)
            #expect(applied.status == 0 && !applied.error.contains("not guarded"), "\(applied)")
            #expect(
                applied.output.contains(
                    "- only 203.0.113.0/28 may still reach web on the wire to 192.0.2.50:80/tcp, nobody else"))
            #expect(
                applied.output.contains("- nobody may reach any other tcp port on the wire to 192.0.2.51 any more"),
                "\(applied.output)")
            try host.expect(
                probes(50, 80, allowed: .answered(by: "web")) + probes(50, 81, allowed: .silent)
                    + probes(51, 80, allowed: .silent))

            // What shares the interface.
            try host.expect([
                Probe(from: "203.0.113.7", to: "192.0.2.1:8081", expect: .answered(by: "bridged")),
                Probe(from: "203.0.113.99", to: "192.0.2.1:8081", expect: .silent),
                Probe(from: "2001:db8:10::7", to: "[2001:db8:1::1]:8081", expect: .answered(by: "bridged")),
                Probe(from: "2001:db8:10:1::7", to: "[2001:db8:1::1]:8081", expect: .silent),
            ])

            // What they ask themselves.
            try host.serve("remote", at: .client, on: 5353)
            for (name, number) in [("web", 50), ("other", 51)] {
                let place = try docker.enter(name)
                let remote = Outcome.answered(by: "remote")
                for kind in [Probe.Kind.tcp, .udp] {
                    try host.expect([
                        Probe(kind, from: "192.0.2.\(number)", to: "192.0.2.10:5353", at: place, expect: remote),
                        Probe(
                            kind, from: "2001:db8:1::\(number)", to: "[2001:db8:1::10]:5353", at: place, expect: remote),
                    ])
                }
            }
        }
    }

    @Test func `is followed by the next apply to another address`() throws {
        try with { docker, installation in
            try installation.run("apply", "--docker", docker.socket).orThrow()
            try docker.docker("rm", "-f", "web")
            try docker.run(Self.web("web"), options: Self.place(60))
            let difference = try installation.run("diff", "--docker", docker.socket)
            #expect(difference.output.contains("on the wire to 192.0.2.60:80/tcp"), "\(difference)")
            #expect(
                difference.output.contains("+ everyone may reach web on the wire to 192.0.2.50:80/tcp"), "\(difference)"
            )
            try installation.run("apply", "--docker", docker.socket).orThrow()
            try docker.host.expect(
                probes(60, 80, allowed: .answered(by: "web")) + probes(60, 81, allowed: .silent))
        }
    }

    @Test func `is said not to be guarded where it is not`() throws {
        try with { docker, installation in
            func run(_ command: String) throws -> ProgramResult {
                try installation.run(command, "--docker", docker.socket)
            }
            try run("apply").orThrow()
            #expect(
                try installation.run("status").output.contains(
                    "containers on lan are guarded where packets come in by ext0"))

            try installation.write(Self.policy + "interfaces: { external: [ext1] }\n")
            for command in ["check", "diff", "apply"] {
                let result = try run(command)
                #expect(
                    result.error.contains("network lan are not guarded: its parent ext0 is not external"), "\(result)")
            }
            #expect(try installation.run("status").output.contains("containers on lan are NOT guarded"))

            try installation.write(Self.policy)
            try run("apply").orThrow()
            try docker.host.namespace.ip("link set ext0 down")
            try docker.host.namespace.ip("link set ext0 name wan0")
            #expect(try installation.run("status").output.contains("NOT guarded: there is no interface ext0"))
            #expect(try installation.run("status", "--json").output.contains(#""protection" : "parentIsAbsent""#))
            let applied = try run("apply")
            #expect(applied.status == 0 && applied.error.contains("the host has no interface ext0"), "\(applied)")
            #expect(!(try installation.listing().contains("ext0")))
            #expect(try run("apply").output.contains("nothing to do"))
            #expect(try installation.run("status").output.contains("no rule is at ext0"))
        }
    }
}
