import Foundation
import TestSupport
import Testing

@Suite(.requires(.root, .program("ip"), .nft)) struct `What a diff says` {
    /// After `before` was applied, of `after`. Checks that the apply that follows says and does the same.
    private func diff(_ before: String?, _ after: String, _ options: String...) throws -> [String] {
        try Installation.with { installation in
            if let before { try installation.apply(before) }
            try installation.write(after)
            let result = try installation.program("diff", options).run()
            #expect(result.status == 1, "\(result)")
            let applied = try installation.program("apply", options).run()
            #expect(applied.output == result.output + "applied \(installation.policy)\n")
            #expect(try installation.run("diff").output == "the kernel is as \(installation.policy) says\n")
            return result.output.split(separator: "\n", omittingEmptySubsequences: false).dropLast().map(String.init)
        }
    }

    @Test func `a first apply: who may still come in`() throws {
        #expect(
            try diff(nil, Sample.policy) == [
                "- only 198.51.100.7 may still reach db 5432/tcp, nobody else",
                "- only 192.0.2.7, 203.0.113.0/24, 2001:db8:10::/48 may still reach django 8081/tcp, nobody else",
                "- nobody may reach any other tcp port that is forwarded to a container any more",
                "- nobody may reach any other udp port that is forwarded to a container any more",
            ])
    }

    @Test func `an address more, and one less`() throws {
        let more = Sample.policy.replacing("192.0.2.7", with: "192.0.2.7, 192.0.2.9, \"2001:db8::9\"")
        #expect(try diff(Sample.policy, more) == ["+ 192.0.2.9, 2001:db8::9 may reach django 8081/tcp"])
        #expect(try diff(more, Sample.policy) == ["- 192.0.2.9, 2001:db8::9 may no longer reach django 8081/tcp"])
    }

    @Test func `an exception, and one client for another`() throws {
        let except = Sample.policy.replacing("192.0.2.7] }", with: "192.0.2.7], except: [203.0.113.66] }")
        #expect(try diff(Sample.policy, except) == ["- 203.0.113.66 may no longer reach django 8081/tcp"])
        let other = Sample.policy.replacing("198.51.100.7", with: "198.51.100.8")
        #expect(
            try diff(Sample.policy, other) == [
                "- 198.51.100.7 may no longer reach db 5432/tcp", "+ 198.51.100.8 may reach db 5432/tcp",
            ])
    }

    /// Its port is an unlisted one now: closed behind DNAT, and open where docker-proxy or a process of the host answers.
    @Test func `a service removed`() throws {
        let less = Sample.policy.split(separator: "\n").filter { !$0.contains("db:") }.joined(separator: "\n") + "\n"
        #expect(
            try diff(Sample.policy, less) == [
                "- 198.51.100.7 may no longer reach db 5432/tcp",
                "+ everyone may reach db 5432/tcp by docker-proxy or the host's network",
            ])
        #expect(
            try diff(Sample.policy + "host: { otherwise: drop }\n", less + "host: { otherwise: drop }\n") == [
                "- 198.51.100.7 may no longer reach db 5432/tcp"
            ])
    }

    @Test func `a service on one address of the host`() throws {
        let bound = Sample.policy.replacing("publish: 5432", with: "publish: 5432, on: [192.0.2.1]")
        #expect(
            try diff(nil, bound).first == "- only 198.51.100.7 may still reach db 5432/tcp on 192.0.2.1, nobody else")
        #expect(
            try diff(Sample.policy, bound) == [
                "- 198.51.100.7 may no longer reach db 5432/tcp on any other address"
            ])
    }

    /// Through the others nobody is let in.
    @Test func `a service through one interface`() throws {
        let bound = Sample.policy.replacing("publish: 5432", with: "publish: 5432, interfaces: [eth0]")
        #expect(
            try diff(Sample.policy, bound) == [
                "- 198.51.100.7 may no longer reach db 5432/tcp through any other interface"
            ])
    }

    /// A wildcard is tried with a name of its own, not with one that stands beside it.
    @Test func `an interface that is no longer outside`() throws {
        let all = Sample.policy + "interfaces: { external: [\"eth*\"] }\n"
        let one = Sample.policy + "interfaces: { external: [eth0] }\n"
        let lines = try diff(all, one)
        #expect(lines.contains("+ everyone may reach db 5432/tcp through eth*"))
        #expect(lines.contains("+ everyone may reach any other udp port that is forwarded to a container through eth*"))
    }

    @Test func `any port of one address`() throws {
        let sharing = { (clients: String) in
            Sample.policy + "  all: { publish: any, on: [192.0.2.1], allow: [\(clients)] }\n"
        }
        #expect(
            try diff(sharing("192.0.2.9"), sharing("192.0.2.9, 192.0.2.11")) == [
                "+ 192.0.2.11 may reach all, db 5432/tcp on 192.0.2.1",
                "+ 192.0.2.11 may reach all, django 8081/tcp on 192.0.2.1",
                "+ 192.0.2.11 may reach all, any other tcp port on 192.0.2.1",
                "+ 192.0.2.11 may reach all, any other udp port on 192.0.2.1",
            ])
    }

    @Test func `unlisted ports opened`() throws {
        #expect(
            try diff(Sample.policy, Sample.policy + "unlisted: accept\n") == [
                "+ everyone may reach any other tcp port that is forwarded to a container",
                "+ everyone may reach any other udp port that is forwarded to a container",
            ])
    }

    @Test func `a change that concerns nobody's access`() throws {
        let louder = Sample.policy + "log: { refused: false }\n"
        try Installation.with { installation in
            try installation.apply(Sample.policy)
            try installation.write(louder)
            let result = try installation.run("diff")
            #expect(result.status == 1)
            #expect(result.output == "  nobody gains or loses a port; --rules shows what changes in the table\n")
        }
    }

    @Test func `a policy in another order is the same`() throws {
        let reordered = """
            services:
              db: { allow: [198.51.100.7/32], publish: [5432/tcp] }
              site: { allow: anyone, publish: [443/udp, 80] }
              django: { allow: [192.0.2.7, office], publish: 8081/tcp }
            groups:
              office: ["2001:db8:10::/48", 203.0.113.128/25, 203.0.113.0/25]
            version: 1

            """
        try Installation.with { installation in
            try installation.apply(Sample.policy)
            let before = try installation.generation()
            try installation.write(reordered)
            #expect(try installation.run("diff").status == 0)
            let applied = try installation.run("apply")
            #expect(applied.output == "nothing to do: the kernel is as \(installation.policy) says\n")
            #expect(try installation.generation() == before)
        }
    }

    @Test func `an apply that has nothing to do sends nothing`() throws {
        try Installation.with { installation in
            try installation.apply(Sample.policy)
            let before = try installation.generation()
            for _ in 0..<3 { try installation.run("apply").orThrow() }
            try FileManager.default.removeItem(atPath: installation.runtimeDirectory)
            for _ in 0..<3 { try installation.run("apply").orThrow() }
            #expect(try installation.generation() == before)
        }
    }

    @Test func `rules: the elements and rules that change, and no others`() throws {
        let more = Sample.policy.replacing("192.0.2.7", with: "192.0.2.7, 192.0.2.9")
        let lines = try diff(Sample.policy, more, "--rules")
        #expect(lines.count == 4)
        #expect(lines.prefix(2) == ["+ 192.0.2.9 may reach django 8081/tcp", ""])
        #expect(lines.contains("+ element of sources-service-django-v4: 192.0.2.9"))
        #expect(lines.contains { $0.hasPrefix("~ rule") && $0.contains("in digest: return comment \"sha256:") })
    }

    private struct Document: Decodable {
        struct Access: Decodable {
            var way: String
            var services: String?
            var `protocol`: String
            var ports: String?
            var gained: [String]
            var lost: [String]
        }

        struct Rule: Decodable {
            var sign: String
            var text: String
        }

        var version: Int
        var same: Bool
        var access: [Access]
        var operations: Int
        var rules: [Rule]
    }

    private func document(_ installation: Installation, _ command: String, _ options: String...) throws -> Document {
        let output = try installation.program(command, ["--json"] + options).run().output
        return try JSONDecoder().decode(Document.self, from: Data(output.utf8))
    }

    @Test func `JSON for a program to read`() throws {
        try Installation.with { installation in
            try installation.apply(Sample.policy)
            let nothing = try document(installation, "diff")
            #expect(nothing.version == 1 && nothing.same && nothing.access.isEmpty && nothing.operations == 0)
            try installation.write(Sample.policy.replacing("192.0.2.7", with: "192.0.2.9, \"2001:db8::/127\""))
            let said = [
                try document(installation, "diff"), try document(installation, "apply", "--dry-run"),
                try document(installation, "apply"),
            ]
            for output in said {
                #expect(!output.same)
                // The digest's rule, one element each way, and a set for the other family with its rule and element.
                #expect(output.operations == output.rules.count)
                let access = try #require(output.access.first)
                #expect(output.access.count == 1)
                #expect(access.way == "published" && access.services == "django")
                #expect(access.protocol == "tcp" && access.ports == "8081")
                #expect(access.gained == ["192.0.2.9", "2001:db8::/127"] && access.lost == ["192.0.2.7"])
            }
            #expect(try document(installation, "diff").same)
        }
    }
}
