import Foundation
import TestSupport
import Testing

/// verify, where there is a Docker.
@Suite(.serialized, .requires(Requirement.docker + [.program("setpriv")]))
struct `What verify does with a host's own rules` {
    private static let containers = [
        Container("web", publish: ["8081:80", "8081:80/udp"]),
        Container("pinned", publish: ["192.0.2.1:8082:80"]),
        Container("both", on: .dual, publish: ["8061:80"]),
        // In no policy.
        Container("forgotten", publish: ["8199:80"]),
    ]
    private static let policy = """
        version: 1
        services:
          web: { publish: [8081, 8081/udp], allow: [203.0.113.0/28, "2001:db8:10::/64"] }
          pinned: { publish: 8082, on: 192.0.2.1, allow: 203.0.113.0/28 }
          both: { publish: 8061, allow: [203.0.113.0/28, "2001:db8:10::/64"] }

        """
    private static let nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]

    private func verify(_ installation: Installation, _ options: [String]) throws -> ProgramResult {
        try Program([try Executable.dockernft, "verify"] + options + [installation.policy], timeout: .seconds(300))
            .run()
    }

    private func with(
        _ mode: RealDocker.Mode = .standard, _ body: (RealDocker, Installation) throws -> Void
    ) throws {
        try DockerHost.with { host in
            try Installation.with(host.namespace) { installation in
                try RealDocker.with(on: host, mode.flags) { docker in
                    try docker.createNetwork(.dual)
                    for container in Self.containers { try docker.run(container) }
                    try installation.write(Self.policy)
                    try body(docker, installation)
                }
            }
        }
    }

    private func state(of host: DockerHost) throws -> [String] {
        try [
            ["nft", "-s", "list", "ruleset"], ["ip", "address"], ["ip", "route", "show", "table", "all"],
            ["ip", "-6", "route", "show", "table", "all"], ["ip", "rule"], ["sysctl", "net.ipv4.ip_forward"],
        ].map { try host.namespace.run(Program($0)).output }
    }

    @Test(arguments: [RealDocker.Mode.standard, .translatingIPv6])
    func `it tries them, says so, records them, and leaves the host as it was`(mode: RealDocker.Mode) throws {
        try with(mode) { docker, installation in
            let before = try state(of: docker.host)
            let options = ["--docker", docker.socket, "--namespace", docker.host.namespace.name]
            let result = try verify(installation, options)
            #expect(result.status == 0, "\(result)")
            #expect(result.output.contains("\nDocker's rules: as on this host (ip "), "\(result)")
            for name in ["web", "pinned", "both", "what Docker publishes"] {
                #expect(
                    result.output.split(separator: "\n").contains {
                        $0.hasPrefix(name) && $0.contains("Docker's rules, port")
                    }, "\(result)")
            }
            #expect(!result.output.contains("not tried:"), "\(result)")

            let file = installation.directory + "/host.recording"
            try Program(
                [try Executable.dockernft, "verify", "--record", file] + options
            ).run().orThrow()
            let permissions = try FileManager.default.attributesOfItem(atPath: file)[.posixPermissions] as? Int
            #expect(permissions == 0o600)
            for (then, now) in zip(before, try state(of: docker.host)) { #expect(now == then) }

            // Anywhere, by anybody.
            try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: file)
            var program = Program(
                [try Executable.dockernft, "verify", "--json", "--recorded", file, installation.policy],
                timeout: .seconds(300))
            let asRoot = try program.run().orThrow()
            #expect(asRoot.contains("\"dockerRules\" : \"recorded\""), "\(asRoot)")
            let arguments = program.arguments
            program.arguments = Self.nobody + arguments
            #expect(try program.run().orThrow() == asRoot)

            // A module that this kernel has not.
            let text = try String(contentsOfFile: file, encoding: .utf8)
            func digits(_ name: String) -> String { name.utf8.map { String($0, radix: 16) }.joined() }
            let (known, unknown) = (digits("addrtype"), digits("addrtypo"))
            #expect(text.contains(known))
            try text.replacing(known, with: unknown).write(toFile: file, atomically: false, encoding: .utf8)
            program.arguments = arguments
            let refused = try program.run()
            #expect(refused.status == 2)
            #expect(refused.error.contains("Docker's tables could not be made again"), "\(refused)")
        }
    }

    @Test func `it says that it goes without them, and why`() throws {
        try with { docker, installation in
            var program = Program(
                [
                    try Executable.dockernft, "verify", "--docker", "none", "--namespace",
                    docker.host.namespace.name, installation.policy,
                ], timeout: .seconds(300))
            let result = try program.run()
            #expect(result.output.contains("Docker's rules: made for this: Docker is not asked"), "\(result)")
            program.arguments = [
                try Executable.dockernft, "verify", "--docker", docker.socket, "--namespace",
                docker.host.client.name, installation.policy,
            ]
            #expect(
                try program.run().orThrow().contains("Docker's rules: made for this: no Docker rules on this host"))
            program.arguments[5] = "no-such-namespace"
            #expect(try program.run().status == 2)
        }
    }

    /// The kernel keeps a rule about a control group that is gone, and lets nobody make one.
    @Test(.requires(.controlGroups)) func `it goes without them where the host's cannot be made again, and says so`()
        throws
    {
        try with { docker, installation in
            let name = "\(docker.host.namespace.name)-gone"
            _ = try ControlGroup.with(name) { _ in
                try docker.host.run("iptables", "-A", "INPUT", "-m", "cgroup", "--path", name, "-j", "RETURN")
                    .orThrow()
            }
            let options = ["--docker", docker.socket, "--namespace", docker.host.namespace.name]
            let result = try verify(installation, options)
            #expect(result.status == 0, "\(result)")
            #expect(
                result.output.contains(
                    "Docker's rules: made for this: the tables of this host could not be made again: make rule in chain INPUT of table ip filter: "
                ),
                "\(result)")
        }
    }

    /// What a machine's own Docker may publish is nothing to this policy.
    @Test func `it says that nobody without privilege can read them`() throws {
        try Installation.with { installation in
            try installation.write(Self.policy)
            let arguments = [try Executable.dockernft, "verify", "--limit", "50", installation.policy]
            let result = try Program(Self.nobody + arguments, timeout: .seconds(300)).run()
            #expect(result.status == 0, "\(result)")
            #expect(
                result.output.contains(
                    "Docker's rules: made for this: those of this host are not readable without CAP_NET_ADMIN"),
                "\(result)")
        }
    }

    @Test func `a file that is no recording is refused, with its line`() throws {
        try Installation.with { installation in
            try installation.write(Self.policy)
            let file = installation.directory + "/wrong"
            try "dockernft recording 1\ninterfaces eth0\ndocker {}\nend 3\n".write(
                toFile: file, atomically: false, encoding: .utf8)
            let result = try verify(installation, ["--recorded", file])
            #expect(result.status == 2)
            #expect(result.output == "")
            #expect(result.error.hasPrefix("dockernft: \(file):3: "), "\(result)")
            #expect(try verify(installation, ["--recorded", file + "-not-there"]).status == 2)
            let unasked = try Program([
                try Executable.dockernft, "verify", "--record", file, "--docker", "none", "--namespace",
                installation.namespace.name,
            ]).run()
            #expect(unasked.status == 2)
            #expect(unasked.error.contains("nothing is recorded"))
        }
    }
}
