import Foundation
import TestSupport
import Testing

/// `explain` on a policy is no command of a kernel: it gets neither namespace nor privilege.
@Suite(.requires(.root, .program("ip"), .nft, .program("setpriv"))) struct `The command that explains` {
    private static let policy = """
        version: 1
        groups:
          office: [203.0.113.0/24, "2001:db8:10::/48"]
        services:
          django:
            publish: 8081
            allow: office
            except: 203.0.113.66
          postgres: { publish: 5432, allow: nobody }

        """

    private func explain(_ installation: Installation, _ options: String...) throws -> ProgramResult {
        let command = [try Executable.dockernft, "explain", "--policy", installation.policy, "--docker", "none"]
        return try Program(["setpriv", "--bounding-set=-all", "--inh-caps=-all"] + command + options).run()
    }

    @Test func `says what decides, where it stands, and what to write, without privilege`() throws {
        try Installation.with { installation in
            try installation.write(Self.policy)
            let refused = try explain(installation, "198.51.100.9", "8081/tcp")
            #expect(refused.status == 1, "\(refused)")
            for text in [
                "refused: 198.51.100.9 does not reach 8081/tcp", "inet dockernft service-django",
                "\(installation.policy):5: `django:`",
                "add 198.51.100.9 to `allow` of django, \(installation.policy):7",
                "meta l4proto tcp ct original proto-dst vmap @published-tcp  => service-django",
            ] { #expect(refused.output.contains(text), "\(text)\n\(refused.output)") }
            let allowed = try explain(installation, "203.0.113.5", "django")
            #expect(allowed.status == 0 && allowed.output.contains("out of the group office"), "\(allowed)")
            let split = try explain(installation, "office", "django")
            #expect(split.status == 1, "\(split)")
            #expect(split.output.contains("refused 203.0.113.66\n"), "\(split.output)")
            #expect(
                split.output.contains(
                    "allowed 203.0.113.0-203.0.113.65, 203.0.113.67-203.0.113.255, 2001:db8:10::/48\n"))
            #expect(!split.output.contains("no match"))
            #expect(try explain(installation, "--trace", "office", "django").output.contains("no match"))
        }
    }

    @Test func `takes the arrow that a policy has between its clients and what they dial`() throws {
        try Installation.with { installation in
            try installation.write(Self.policy)
            let result = try explain(installation, "203.0.113.5", "->", "django")
            #expect(result.status == 0 && result.output.hasPrefix("allowed: 203.0.113.5 reaches django\n"), "\(result)")
        }
    }

    @Test func `speaks of everybody in the policy's own words`() throws {
        try Installation.with { installation in
            try installation.write("version: 1\nservices: { open: { publish: 80, allow: anyone } }\n")
            let open = try explain(installation, "anyone", "80")
            #expect(open.output.contains("to keep anyone out, write `allow: nobody` in open"), "\(open)")
            let closed = try explain(installation, "anyone", "81")
            #expect(
                closed.output.contains("to let anyone in, name the port under `services`, with anyone in"), "\(closed)")
        }
    }

    @Test func `tells of clients that there are none of, and of what only Docker knows`() throws {
        try Installation.with { installation in
            try installation.write(
                """
                version: 1
                groups: { empty: [], outer: [empty] }
                services: { site: { publish: 80, allow: outer } }
                expect: [allow outer -> site, deny anyone -> 9000]

                """)
            let empty = try explain(installation, "outer", "80")
            #expect(empty.status == 2 && empty.output.contains("the group is empty"), "\(empty)")
            let unnamed = try explain(installation, "198.51.100.9", "9000")
            #expect(unnamed.status == 2 && unnamed.output.contains("whether it serves this port"), "\(unnamed)")
            let check = try installation.run("check")
            #expect(check.error.contains("`outer` is empty: this tests nothing"), "\(check)")
            #expect(check.error.contains("this could not be tested: the rules would let docker-proxy"), "\(check)")
            #expect(check.output.hasSuffix(", 1 of 2 expectations hold\n"), "\(check)")
            try installation.write(Sample.quiet + "expect: [deny 198.51.100.9 -> django]\n")
            #expect(try installation.run("check").output.hasSuffix(", its expectation holds\n"))
        }
    }

    @Test func `shows a program the same`() throws {
        try Installation.with { installation in
            try installation.write(Self.policy)
            let result = try explain(installation, "--json", "198.51.100.9", "8081")
            #expect(result.status == 1)
            let document = try #require(
                try JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [String: Any])
            #expect(document["verdict"] as? String == "refused" && document["version"] as? Int == 1)
            let part = try #require((document["parts"] as? [[String: Any]])?.first)
            #expect(part["sources"] as? [String] == ["198.51.100.9"])
            let ways = try #require(part["ways"] as? [[String: Any]])
            #expect(ways.map { $0["path"] as? String } == ["published", "proxy"])
            let decision = try #require((part["decisions"] as? [[String: Any]])?.first)
            #expect((decision["policy"] as? [String: Any])?["line"] as? Int == 5)
        }
    }

    @Test func `takes a question that nobody can read for wrong usage`() throws {
        try Installation.with { installation in
            try installation.write(Self.policy)
            let wrong = try explain(installation, "offce", "djnago")
            #expect(wrong.status == 64 && wrong.output == "", "\(wrong)")
            #expect(wrong.error.contains("did you mean `office`?") && wrong.error.contains("did you mean `django`?"))
            #expect(wrong.error.contains("--> FROM:1:1") && wrong.error.contains("--> TO:1:1"))
            #expect(try explain(installation, "--in", "eth*", "office", "django").status == 64)
            #expect(try explain(installation, "office").status == 64)
        }
    }

    @Test func `asks of the interface that it is told`() throws {
        try Installation.with { installation in
            try installation.write(
                Self.policy + "  inner: { publish: 90, interfaces: eth1, allow: anyone }\n")
            #expect(try explain(installation, "--in", "eth1", "198.51.100.9", "90").status == 0)
            #expect(try explain(installation, "--in", "eth0", "198.51.100.9", "90").status == 1)
            #expect(try explain(installation, "198.51.100.9", "90").status == 1)
        }
    }
}

@Suite(.requires(.root, .program("ip"), .nft)) struct `A test of the policy that fails` {
    private static let failing = Sample.quiet + "expect:\n  - nobody but 203.0.113.0/25 -> django\n"
    private static let selecting =
        Sample.quiet + """
              shop: { container: shop, allow: 198.51.100.0/24 }
            expect:
              - allow 198.51.100.7 -> shop
              - allow 198.51.100.7 -> 8080
              - deny 192.0.2.7 -> django

            """

    @Test func `stops every command that could put the policy in force, and says why`() throws {
        try Installation.with { installation in
            try installation.apply(Sample.quiet)
            let before = try installation.generation()
            try installation.write(Self.failing)
            for command in [["check"], ["diff"], ["apply"], ["apply", "--dry-run"]] {
                let result = try installation.program(command[0], Array(command.dropFirst())).run()
                #expect(result.status == 1 && result.output == "", "\(result)")
                for text in [
                    "error[expectation-failed]", "\(installation.policy):5:5",
                    "`everybody but 203.0.113.0/25` gets in to `django`: 203.0.113.128/25", "decided here",
                    "ct original ip saddr @sources-service-django-v4 counter", "203.0.113.128 by 8081/tcp",
                ] { #expect(result.error.contains(text), "\(text)\n\(result.error)") }
            }
            #expect(try installation.generation() == before)
            let json = try installation.run("check", "--json")
            #expect(json.status == 1 && json.output.contains("expectation-failed") && json.output.contains("details"))
        }
    }

    @Test func `for want of Docker keeps nobody from closing the ports`() throws {
        try Installation.with { installation in
            try installation.write(Self.selecting)
            let check = try installation.run("check")
            #expect(check.status == 0 && check.error.components(separatedBy: "note[expectation-untested]").count == 3)
            let apply = try installation.run("apply")
            #expect(apply.status == 0 && apply.error.contains("note[expectation-untested]"), "\(apply)")
            #expect(try installation.listing().contains("service-django"))
        }
    }
}
