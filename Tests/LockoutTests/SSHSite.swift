import Foundation
import Glibc
import TestSupport

/// A host with a real sshd, and clients that log in over the wire. The files of the installation are everybody's.
struct SSHSite {
    let host: DockerHost
    let installation: Installation

    static let requirements: [Requirement] =
        Requirement.packets + ["sshd", "ssh", "ssh-keygen"].map { .program($0) }

    /// Whether anything follows connections before our table is there, as it does where Docker runs.
    enum Tracking {
        case on
        case off
    }

    static func with<Value>(
        _ settings: String = "Port 22", tracking: Tracking = .on, _ body: (SSHSite) throws -> Value
    ) throws -> Value {
        try DockerHost.with { host in
            if tracking == .on {
                try host.load(
                    "table inet other { chain c { type filter hook input priority 0; ct state invalid counter; }; }")
            }
            return try Installation.with(host.namespace) { installation in
                let site = SSHSite(host: host, installation: installation)
                let daemon = try site.startDaemon(settings)
                defer { daemon.signal(SIGKILL) }
                return try body(site)
            }
        }
    }

    private var directory: String { installation.directory }
    private var key: String { "\(directory)/key" }

    private func startDaemon(_ settings: String) throws -> RunningProgram {
        try FileManager.default.createDirectory(atPath: "/run/sshd", withIntermediateDirectories: true)
        for name in ["key", "host-key"] {
            try Program(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", "\(directory)/\(name)"]).run().orThrow()
        }
        let configuration = """
            \(settings)
            HostKey \(directory)/host-key
            AuthorizedKeysFile \(key).pub
            PermitRootLogin yes
            StrictModes no
            UsePAM no
            PidFile none
            UseDNS no
            PrintMotd no
            GatewayPorts yes
            PrintLastLog no

            """
        try configuration.write(toFile: "\(directory)/sshd_config", atomically: false, encoding: .utf8)
        let daemon = try host.namespace.enter {
            // It wants to be called by its whole path.
            try Program(["sh", "-c", "exec \"$(command -v sshd)\" -D -e -f \(directory)/sshd_config"]).launch()
        }
        try wait(for: "sshd to listen") {
            guard daemon.isRunning else { throw BenchError("sshd: \(try daemon.end())") }
            return !(try host.run("ss", "-Hltn").output.isEmpty)
        }
        return daemon
    }

    /// `command` in a session of root's, from an address of a client.
    func session(
        _ command: String, from source: String = "192.0.2.10", to destination: String = "192.0.2.1", port: Int = 22,
        options: [String] = []
    ) -> Program {
        Program(
            [
                "ssh", "-F", "/dev/null", "-i", key, "-b", source, "-p", "\(port)", "-o", "StrictHostKeyChecking=no",
                "-o", "UserKnownHostsFile=/dev/null", "-o", "BatchMode=yes",
            ] + options + ["root@\(destination)", command])
    }

    func run(_ session: Program, at place: Place = .client) throws -> ProgramResult {
        try host.namespace(of: place).run(session)
    }

    func launch(_ session: Program, at place: Place = .client) throws -> RunningProgram {
        try host.namespace(of: place).enter { try session.launch() }
    }

    /// What an administrator types: dockernft in the namespace that the session is in.
    func dockernft(_ arguments: String...) throws -> String {
        ([try Executable.dockernft] + arguments + [
            "--runtime-directory", installation.runtimeDirectory, "--docker", "none", installation.policy,
        ]).joined(separator: " ")
    }

    /// A session that stays open while `body` runs.
    func withOpenSession<Value>(
        from source: String, to destination: String = "192.0.2.1", port: Int = 22, at place: Place = .client,
        options: [String] = [], _ body: (RunningProgram) throws -> Value
    ) throws -> Value {
        let mark = "\(directory)/open-\(UInt32.random(in: 0 ... .max))"
        let open = try launch(
            session("touch \(mark); sleep 600", from: source, to: destination, port: port, options: options),
            at: place)
        defer { open.signal(SIGKILL) }
        try wait(for: "a session") {
            guard open.isRunning else { throw BenchError("\(try open.end())") }
            return FileManager.default.fileExists(atPath: mark)
        }
        return try body(open)
    }

    /// Long enough for a machine that has much else to do.
    func wait(for what: String, _ condition: () throws -> Bool) throws {
        let deadline = ContinuousClock.now + .seconds(30)
        while try !condition() {
            guard ContinuousClock.now < deadline else { throw BenchError("waited in vain for \(what)") }
            usleep(5000)
        }
    }

    /// Whether a table of ours is there.
    var isInForce: Bool {
        get throws { try host.run("nft", "list", "tables").output.contains("dockernft") }
    }
}
