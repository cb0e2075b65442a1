import Foundation
import TestSupport
import Testing

@Suite(.requires(.root, .program("ip"), .nft, .program("setpriv"))) struct `What verify does` {
    private static let nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    private static let powerless = ["setpriv", "--bounding-set=-all", "--inh-caps=-all"]

    private func program(_ installation: Installation, _ options: String...) throws -> Program {
        Program(
            [try Executable.dockernft, "verify", "--docker", "none"] + options + [installation.policy],
            timeout: .seconds(300))
    }

    /// All of a network namespace that a program could have left something in.
    private func state(of namespace: NetworkNamespace) throws -> [String] {
        let commands = [
            ["nft", "-s", "list", "ruleset"], ["ip", "address"], ["ip", "route", "show", "table", "all"],
            ["ip", "-6", "route", "show", "table", "all"], ["ip", "neighbour"], ["ip", "rule"],
            ["cat", "/proc/self/net/tcp", "/proc/self/net/tcp6", "/proc/self/net/udp", "/proc/self/net/udp6"],
            ["sysctl", "net.ipv4", "net.ipv6"],
        ]
        return try commands.map { try namespace.run(Program($0)).output }
    }

    @Test func `the host is as it was, and the answer is yes`() throws {
        try Installation.with { installation in
            try installation.write(Sample.policy)
            // Down, it gets no address by itself, and has no carrier to lose: nothing changes but what verify would.
            try installation.namespace.ip("link set lo up\nlink add docker0 type bridge\n")
            try installation.nft(
                "-f", "-", input: "table ip other { chain c { type filter hook input priority 0; }; }\n")
            let before = try state(of: installation.namespace)
            let result = try installation.namespace.run(try program(installation))
            #expect(result.status == 0, "\(result)")
            #expect(result.output.contains(": each met what the policy says\n"), "\(result)")
            for (then, now) in zip(before, try state(of: installation.namespace)) { #expect(now == then) }
        }
    }

    @Test func `it needs no privilege, where user namespaces are to be had`() throws {
        try Installation.with { installation in
            try installation.write(Sample.policy)
            var program = try program(installation, "--json")
            let expected = try program.run().orThrow()
            program.arguments = Self.nobody + program.arguments
            #expect(try program.run().orThrow() == expected)
        }
    }

    @Test func `it says why it could not be tried`() throws {
        try Installation.with { installation in
            try installation.write(Sample.policy)
            var program = try program(installation)
            program.arguments = Self.powerless + program.arguments
            let result = try program.run()
            #expect(result.status == 2, "\(result)")
            #expect(result.output == "")
            #expect(result.error.contains("could not be tried"), "\(result)")
        }
    }

    @Test func `a limit is kept, and said`() throws {
        try Installation.with { installation in
            try installation.write(Sample.policy)
            let result = try program(installation, "--limit", "60").run()
            #expect(result.status == 0, "\(result)")
            #expect(result.output.hasPrefix("60 of "), "\(result)")
        }
    }

    @Test func `a policy with an error is not tried`() throws {
        try Installation.with { installation in
            try installation.write("version: 1\nservices: { a: { publish: 80, allow: nobodyy } }\n")
            #expect(try program(installation).run().status == 1)
        }
    }
}
