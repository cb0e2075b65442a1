import Foundation
import Glibc
import TestSupport
import Testing

/// Real sshd, real sessions, dockernft inside of them.
@Suite(.serialized, .requires(SSHSite.requirements)) struct `An apply over SSH` {
    /// Line 5 is whom ssh lets in, line 3 is what closes all else.
    private static func policy(ssh allowed: String) -> String {
        """
        version: 1
        host:
          otherwise: drop
          services:
            ssh: { port: 22, allow: [\(allowed)] }

        """
    }

    private static let closed = policy(ssh: "203.0.113.7")

    private func expectRefusal(
        _ result: ProgramResult, _ site: SSHSite, says words: String...,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        #expect(result.status == 1, "\(result)", sourceLocation: sourceLocation)
        let said = result.error + result.output
        for words in words + ["--lock-me-out", "refused, and nothing is changed"] {
            #expect(said.contains(words), "\(words) is not in \(result)", sourceLocation: sourceLocation)
        }
        #expect(try !site.isInForce, sourceLocation: sourceLocation)
    }

    @Test func `is refused where it cuts the session that it runs in`() throws {
        try SSHSite.with { site in
            try site.installation.write(Self.closed)
            let result = try site.run(site.session(try site.dockernft("apply")))
            try expectRefusal(
                result, site, says: "your own connection: from 192.0.2.10:", " by ext0 to 192.0.2.1:22 of sshd, pid ",
                "it is cut, and a new one is refused",
                "by \(site.installation.policy):5, \"host ssh: nobody else may enter\"",
                "write 192.0.2.10 under allow of host ssh")
        }
    }

    @Test func `goes through where the policy lets the session in`() throws {
        try SSHSite.with { site in
            try site.installation.write(Self.policy(ssh: "192.0.2.10"))
            let result = try site.run(site.session(try site.dockernft("apply")))
            #expect(result.status == 0, "\(result)")
            #expect(!result.error.contains("cut") && !result.error.contains("note"), "\(result)")
            #expect(try site.isInForce)
        }
    }

    @Test func `says that an open session stands still a moment where nothing has followed connections yet`() throws {
        try SSHSite.with(tracking: .off) { site in
            try site.installation.write(Self.policy(ssh: "192.0.2.10"))
            let result = try site.run(
                site.session(try site.dockernft("apply"), options: ["-o", "ServerAliveInterval=1"]))
            #expect(result.status == 0 && result.error.contains("press a key"), "\(result)")
        }
    }

    @Test func `is refused over IPv6, by a socket of both families`() throws {
        try SSHSite.with("Port 22\nListenAddress ::") { site in
            try site.installation.write(Self.policy(ssh: "192.0.2.10"))
            let result = try site.run(
                site.session(try site.dockernft("apply"), from: "2001:db8:1::10", to: "2001:db8:1::1"))
            try expectRefusal(
                result, site, says: "your own connection: from [2001:db8:1::10]:", "to [2001:db8:1::1]:22",
                "write 2001:db8:1::10 under allow of host ssh")
        }
    }

    @Test func `is refused over a link-local address`() throws {
        try SSHSite.with { site in
            try site.installation.write(Self.closed)
            let result = try site.run(
                site.session(try site.dockernft("apply"), from: "fe80::10%eth0", to: "fe80::1%eth0"))
            try expectRefusal(result, site, says: "your own connection: from [fe80::10]:", "by ext0 to [fe80::1]:22")
        }
    }

    @Test func `names the line that closes all else where no service is of that port`() throws {
        try SSHSite.with("Port 2222") { site in
            try site.installation.write(Self.closed)
            let result = try site.run(site.session(try site.dockernft("apply"), port: 2222))
            try expectRefusal(
                result, site, says: "by \(site.installation.policy):3, \"host: otherwise: drop\"",
                "write 'host: { services: { ssh: { port: 2222, allow: [192.0.2.10] } } }' to let it in")
        }
    }

    @Test(.requires(.program("sudo"))) func `is refused under sudo, which takes the environment away`() throws {
        try SSHSite.with { site in
            try site.installation.write(Self.closed)
            for sudo in ["sudo -i --", "sudo env -i", "sudo -n setsid --wait"] {
                let result = try site.run(site.session("\(sudo) \(try site.dockernft("apply"))"))
                try expectRefusal(result, site, says: "your own connection: from 192.0.2.10:")
            }
        }
    }

    @Test(.requires(.program("tmux")))
    func `is refused in tmux, whose server an earlier session has started`() throws {
        try SSHSite.with { site in
            try site.installation.write(Self.closed)
            let (said, status) = ("\(site.installation.directory)/said", "\(site.installation.directory)/status")
            let tmux = "TMUX_TMPDIR=\(site.installation.directory) tmux -f /dev/null"
            defer { _ = try? site.host.run("sh", "-c", "\(tmux) kill-server") }
            try site.run(site.session("\(tmux) new-session -d -s admin sh")).orThrow()
            // Attached from somewhere else, later.
            let attached = try site.launch(
                site.session("\(tmux) attach -t admin", from: "192.0.2.66", options: ["-tt"]))
            defer { attached.signal(SIGKILL) }
            try site.wait(for: "tmux to be attached") {
                try site.host.run("sh", "-c", "\(tmux) list-clients").output.contains("admin")
            }
            let line =
                "\(try site.dockernft("apply")) >\(said) 2>&1; echo $? >\(status).new; mv \(status).new \(status)"
            try site.host.run("sh", "-c", "\(tmux) send-keys -t admin -l '\(line)'; \(tmux) send-keys -t admin Enter")
                .orThrow()
            try site.wait(for: "the apply to end") { FileManager.default.fileExists(atPath: status) }
            let text = try String(contentsOfFile: said, encoding: .utf8)
            #expect(try String(contentsOfFile: status, encoding: .utf8) == "1\n", "\(text)")
            #expect(text.contains("connection: from 192.0.2.66:"), "\(text)")
            #expect(!text.contains("192.0.2.10"), "the session is over: \(text)")
            #expect(try !site.isInForce)
        }
    }

    @Test func `is refused for the sake of somebody else's session, also from a console`() throws {
        try SSHSite.with { site in
            try site.installation.write(Self.policy(ssh: "192.0.2.10"))
            try site.withOpenSession(from: "198.51.100.10", to: "198.51.100.1", at: .otherClient) { _ in
                for apply in [
                    try site.run(site.session(try site.dockernft("apply"))), try site.installation.run("apply"),
                ] {
                    try expectRefusal(
                        apply, site, says: "somebody's connection: from 198.51.100.10:", "by ext1 to 198.51.100.1:22")
                    #expect(!apply.error.contains("from 192.0.2.10"), "\(apply)")
                }
            }
        }
    }

    @Test func `says it without doing anything when it is a dry run`() throws {
        try SSHSite.with { site in
            try site.installation.write(Self.closed)
            let result = try site.run(site.session(try site.dockernft("apply", "--dry-run")))
            try expectRefusal(result, site, says: "your own connection: from 192.0.2.10:")
            #expect(result.output.contains("only 203.0.113.7 may still reach host ssh"), "\(result)")
        }
    }

    @Test func `goes through with --lock-me-out, and the session is cut`() throws {
        try SSHSite.with { site in
            try site.installation.write(Self.closed)
            let (said, status) = ("\(site.installation.directory)/said", "\(site.installation.directory)/status")
            let line = "\(try site.dockernft("apply", "--lock-me-out")) >\(said) 2>&1; echo $? >\(status); sleep 600"
            let session = try site.launch(
                site.session(line, options: ["-o", "ServerAliveInterval=1", "-o", "ServerAliveCountMax=2"]))
            let end = try session.end()
            #expect(end.status == 255 && end.error.contains("not responding"), "\(end)")
            let text = try String(contentsOfFile: said, encoding: .utf8)
            #expect(try String(contentsOfFile: status, encoding: .utf8) == "0\n", "\(text)")
            #expect(text.contains("as --lock-me-out allows") && text.contains("192.0.2.10"), "\(text)")
            #expect(try site.isInForce)
            #expect(try site.host.probe(Probe(from: "192.0.2.10", to: "192.0.2.1:22")) == .silent)
        }
    }

    @Test func `minds no connection that is cut already`() throws {
        try SSHSite.with { site in
            try site.withOpenSession(from: "192.0.2.66") { _ in
                try site.installation.write(Self.policy(ssh: "192.0.2.10"))
                try site.installation.run("apply", "--lock-me-out").orThrow()
                try site.installation.write(Self.policy(ssh: "192.0.2.10, 192.0.2.11"))
                let result = try site.run(site.session(try site.dockernft("apply")))
                #expect(result.status == 0, "\(result)")
            }
        }
    }

    @Test func `minds no connection that sshd only forwards`() throws {
        try SSHSite.with { site in
            try site.host.serve("remote", at: .client, on: 5353)
            let forwards = ["-L", "127.0.0.1:7001:203.0.113.9:5353", "-R", "0.0.0.0:7002:127.0.0.1:5353"]
            try site.withOpenSession(from: "192.0.2.10", options: forwards) { _ in
                let outward = try site.host.stream(from: "127.0.0.1", to: "127.0.0.1:7001")
                let inward = try site.host.stream(from: "192.0.2.66", to: "192.0.2.1:7002")
                try site.installation.write(Self.policy(ssh: "192.0.2.10"))
                let result = try site.run(site.session(try site.dockernft("apply")))
                #expect(result.status == 0, "\(result)")
                withExtendedLifetime((outward, inward)) {}
            }
        }
    }

    @Test func `looks at nothing where nothing is to be changed`() throws {
        try SSHSite.with { site in
            try site.installation.write(Self.closed)
            try site.installation.run("apply").orThrow()
            let result = try site.installation.run("apply")
            #expect(result.output.contains("nothing to do") && result.status == 0, "\(result)")
        }
    }
}
