import Addressing
import Glibc
import TestSupport
import Testing

extension `A real Docker` {
    /// Where dockerd has a control group of its own, as under systemd, docker-proxy's sockets are known by it.
    @Suite struct `in a control group of its own` {
        private static let policy = """
            version: 1
            services:
              django: { publish: 8081, allow: ["2001:db8:10::7"] }

            """

        /// By docker-proxy: the container has no IPv6.
        private static func probe(_ port: UInt16, from source: String = "2001:db8:10::8", _ expected: Outcome) -> Probe
        {
            Probe(from: source, to: "2001:db8:1::1", port: port, expect: expected)
        }

        private static func with(
            _ flags: [String] = [], _ body: (RealDocker, ControlGroup, Installation) throws -> Void
        ) throws {
            try RealDocker.with(flags) { docker in
                try ControlGroup.with("\(docker.host.namespace.name).service") { group in
                    try docker.stopDaemon()
                    try docker.startDaemon(in: group)
                    try Installation.with(docker.host.namespace) { installation in
                        try installation.write(policy)
                        try body(docker, group, installation)
                        // Its processes leave the group before it is removed.
                        try docker.stopDaemon()
                    }
                }
            }
        }

        @Test(.requires(.controlGroups)) func `serves no port that is published after the apply, until it restarts`()
            throws
        {
            try Self.with { docker, group, installation in
                try docker.run(Container("django", publish: ["8081:80"]))
                try docker.host.serve("agent", at: .host, on: 9100, [.tcp])
                try installation.run("apply", "--docker", docker.socket).orThrow()
                try docker.run(Container("late", publish: ["8199:80"]))
                try docker.host.expect(
                    [
                        Self.probe(8199, .silent), Self.probe(8081, .silent),
                        Self.probe(8081, from: "2001:db8:10::7", .answered(by: "django")),
                        // No socket of the group: a process of the machine.
                        Self.probe(9100, .answered(by: "agent")),
                        Probe(from: "203.0.113.8", to: "192.0.2.1:8199", expect: .silent),
                    ], "after the apply")
                #expect(try installation.run("diff", "--docker", docker.socket).status == 1, "late is known by now")
                try installation.run("apply", "--docker", docker.socket).orThrow()
                #expect(try installation.run("diff", "--docker", docker.socket).status == 0)
                // nft reads what was sent as what it would have sent itself.
                let listing = try installation.nft("list", "table", "inet", "dockernft")
                let lines = listing.split(separator: "\n").filter { $0.contains("cgroupv2") }
                #expect(lines.map { $0.contains("socket cgroupv2 level 1 \"") } == [true], "\(listing)")
                try installation.nft("-c", "-f", "-", input: listing)
                let status = try installation.run("status")
                #expect(status.output.contains("by its control group"), "\(status)")

                // As systemd does with a unit that stops and starts.
                try docker.stopDaemon()
                try group.makeAnew()
                try docker.startDaemon(in: group)
                for name in ["django", "late"] { try docker.docker("start", name) }
                let later = try installation.run("status")
                #expect(!later.output.contains("by its control group"), "\(later)")
                try installation.run("apply", "--docker", docker.socket).orThrow()
                #expect(try installation.run("status").output.contains("by its control group"))
                try docker.run(Container("later", publish: ["8198:80"]))
                try docker.host.expect(
                    [Self.probe(8199, .silent), Self.probe(8198, .silent)], "after Docker's restart and an apply")
            }
        }

        @Test(.requires(.controlGroups)) func `is not known by it where it listens itself`() throws {
            try Self.with(["--host", "tcp://192.0.2.1:2375", "--tls=false"]) { docker, _, installation in
                try installation.run("apply", "--docker", docker.socket).orThrow()
                #expect(!(try installation.nft("list", "table", "inet", "dockernft").contains("cgroupv2")))
            }
        }

        @Test(.requires(.controlGroups)) func `is not known by it where others are in it`() throws {
            try Self.with { docker, group, installation in
                let guest = try Program(["sh", "-c", "\(group.entering); exec sleep 600"]).launch()
                defer { guest.signal(15) }
                while group.processes.count < 2 { usleep(1000) }
                try installation.run("apply", "--docker", docker.socket).orThrow()
                #expect(!(try installation.nft("list", "table", "inet", "dockernft").contains("cgroupv2")))
            }
        }
    }
}
