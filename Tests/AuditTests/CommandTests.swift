import Foundation
import TestSupport
import Testing

extension `An audit beside packets` {
    struct Document: Decodable {
        struct Finding: Decodable {
            var code: String
            var severity: String
        }

        struct Door: Decodable {
            var path: String
            var port: UInt16?
            var target: String
            var verdict: String
            var open: [String]
        }

        var result: String
        var findings: [Finding]
        var doors: [Door]

        func verdicts(_ path: String, _ port: UInt16?, _ target: String) -> Set<String> {
            Set(doors.filter { $0.path == path && $0.port == port && $0.target == target }.map(\.verdict))
        }
    }

    func audit(_ installation: Installation, _ docker: RealDocker) throws -> (Int32, Document) {
        let result = try installation.run("audit", "--json", "--docker", docker.socket)
        return (result.status, try JSONDecoder().decode(Document.self, from: Data(result.output.utf8)))
    }

    @Test func `the command says what is open without a policy, and what is left with one`() throws {
        try RealDocker.with { docker in
            try Installation.with(docker.host.namespace) { installation in
                try docker.run(TestSupport.Container("web", publish: ["8081:80"]))
                try docker.run(TestSupport.Container("hostapp", listening: ["8090"]), options: ["--network", "host"])

                let before = try audit(installation, docker)
                #expect(before.0 == 1)
                #expect(before.1.result == "open")
                for path in ["dnat-v4", "proxy", "loopback"] {
                    #expect(before.1.verdicts(path, 8081, "web") == ["open-to-anyone"], "\(path)")
                }
                #expect(before.1.verdicts("direct", 80, "web") == ["open-to-anyone"])
                #expect(before.1.verdicts("direct", nil, "web") == ["closed"])
                #expect(
                    before.1.doors.contains { $0.path == "host" && $0.port == 8090 && $0.verdict == "open-to-anyone" })

                try installation.write(
                    "version: 1\nservices:\n  web: { publish: 8081, allow: [203.0.113.0/28] }\nhost: { otherwise: drop }\n"
                )
                try installation.run("apply", "--docker", docker.socket).orThrow()
                let after = try audit(installation, docker)
                #expect(after.0 == 0, "\(after.1.findings)")
                #expect(after.1.verdicts("dnat-v4", 8081, "web") == ["as-allowed"])
                #expect(after.1.doors.first { $0.path == "dnat-v4" }?.open == ["203.0.113.0/28"])
                #expect(after.1.verdicts("direct", 80, "web") == ["closed"])

                try docker.host.load(
                    "table inet odd { chain forward { type filter hook forward priority 5; meta random 1 drop; }; }")
                let unknown = try audit(installation, docker)
                #expect(unknown.0 == 2)
                #expect(unknown.1.verdicts("dnat-v4", 8081, "web") == ["unknown"])

                try docker.host.load(
                    "table inet odd { chain forward { type filter hook forward priority 5; ip saddr 203.0.113.1 drop; }; }; flush chain inet odd forward; add rule inet odd forward ip saddr 203.0.113.1 drop"
                )
                let blocked = try audit(installation, docker)
                #expect(blocked.0 == 0)
                #expect(blocked.1.findings.contains { $0.code == "allowed-but-closed" })

                try installation.nft("flush", "ruleset")
                let flushed = try audit(installation, docker)
                #expect(flushed.0 == 1)
                #expect(flushed.1.verdicts("proxy", 8081, "web") == ["open-to-anyone"])
                #expect(flushed.1.findings.contains { $0.code == "table-absent" })
            }
        }
    }

    @Test func `Docker that does not answer is trouble, and so is a policy that is not there`() throws {
        try Installation.with { installation in
            let unasked = try installation.run("audit", "--docker", "\(installation.directory)/nobody.sock")
            #expect(unasked.status == 2)
            #expect(unasked.error.contains("is not there"))
            #expect(
                try installation.run("audit", "--docker", "none", "\(installation.directory)/none.yaml").status == 2)
            let alone = try installation.run("audit", "--docker", "none")
            #expect(alone.status == 0)
            #expect(alone.output.hasPrefix("nothing is open to anybody outside"))
        }
    }
}
