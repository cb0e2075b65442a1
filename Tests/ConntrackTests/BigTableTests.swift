import Conntrack
import Foundation
import TestSupport
import Testing

/// Entries are made by conntrack(8), without a packet.
@Suite(.requiresPackets, .requires(.conntrack)) struct `Many connections` {
    private static func entry(_ number: Int, state: String = "ESTABLISHED", status: String = "SEEN_REPLY,ASSURED")
        -> String
    {
        let client = "203.0.113.\(number % 250 + 1)"
        let port = 1024 + number
        return """
            -A -t 1000 -u \(status) -s \(client) -d 192.0.2.1 -r 192.0.2.1 -q \(client) -p tcp --sport \(port) \
            --dport 9000 --reply-port-src 9000 --reply-port-dst \(port) --state \(state)

            """
    }

    private static func policy(_ sources: String) -> String {
        "version: 1\nhost: { services: { metrics: { port: 9000, allow: [\(sources)] } } }\n"
    }

    private func load(_ entries: [String], into host: DockerHost) throws {
        let file = FileManager.default.temporaryDirectory.appending(path: "conntrack-\(UUID().uuidString)")
        try entries.joined().write(to: file, atomically: false, encoding: .utf8)
        defer { try? FileManager.default.removeItem(at: file) }
        try host.run("conntrack", "-R", file.path).orThrow()
    }

    @Test func `20,000 are told in a dozen lines, and in JSON all of them`() throws {
        try DockerHost.with { host in
            try Installation.with(host.namespace) { installation in
                try installation.apply(Self.policy("203.0.113.0/24"))
                try load((0..<20_000).map { Self.entry($0) }, into: host)
                try installation.write(Self.policy("203.0.113.1"))
                let lines = try installation.run("diff").output.split(separator: "\n").map(String.init)
                #expect(lines.count == 13, "\(lines)")
                #expect(lines[1] == "- ends 19,920 connections:")
                #expect(lines[2] == "-   203.0.113.2 -> host metrics (192.0.2.1:9000/tcp), 80 connections")
                #expect(lines.last == "-   and 19,120 more")
                #expect(try Report.of(installation, "diff").connections?.count == 19_920)
                let applied = try installation.run("apply").output
                #expect(applied.contains("\ncut 19,920 connections\n"))
                #expect(try installation.run("diff").output == "the kernel is as \(installation.policy) says\n")
            }
        }
    }

    @Test func `those that have ended, or were cut before, are not told again`() throws {
        try DockerHost.with { host in
            try Installation.with(host.namespace) { installation in
                try installation.apply(Self.policy("203.0.113.1-203.0.113.9"))
                try load(
                    [
                        Self.entry(0), Self.entry(1, state: "TIME_WAIT"), Self.entry(2, state: "CLOSE"),
                        Self.entry(3, state: "SYN_SENT", status: "UNSET"), Self.entry(4, state: "FIN_WAIT"),
                        Self.entry(100),
                    ], into: host)
                try installation.write(Self.policy("203.0.113.9"))
                let lines = try installation.run("diff").output.split(separator: "\n").map(String.init)
                #expect(lines.last == "- ends 1 connection: 203.0.113.1 -> host metrics (192.0.2.1:9000/tcp)")
                try installation.write(Self.policy("203.0.113.1-203.0.113.9, 198.51.100.7"))
                #expect(try Report.of(installation, "diff").connections == [])
            }
        }
    }

    @Test func `where the kernel notes when they began, so is their age`() throws {
        try DockerHost.with { host in
            try Installation.with(host.namespace) { installation in
                try installation.apply(Self.policy("203.0.113.0/24"))
                try host.namespace.set(["net/netfilter/nf_conntrack_timestamp": "1"])
                try load([Self.entry(1), Self.entry(251)], into: host)
                try installation.write(Self.policy("203.0.113.1"))
                let ages = try #require(try Report.of(installation, "diff").connections).map(\.age)
                #expect(ages.count == 2 && ages.allSatisfy { $0 != nil })
                #expect(try installation.run("diff").output.contains("2 connections, the oldest "))
            }
        }
    }
}
