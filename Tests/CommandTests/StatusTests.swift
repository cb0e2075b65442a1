import Foundation
import TestSupport
import Testing

@Suite(.serialized, .requiresPackets) struct `What status counts` {
    private struct Document: Decodable {
        struct Tally: Decodable, Equatable {
            var packets: Int
            var bytes: Int
        }

        struct Service: Decodable {
            var name: String
            var ports: [String]
            var sources: [String]
            var allowed: Tally
            var refused: Tally
        }

        var version: Int
        var integrity: String
        var digest: String
        var policyPath: String
        var services: [Service]
        var others: [String: Tally]
    }

    @Test func `is the packets that clients sent`() throws {
        let containers = [
            Container("django", publish: ["8081:80/udp"]), Container("db", publish: ["5432:80/udp"]),
            Container("forgotten", publish: ["8199:80/udp"]),
        ]
        try DockerHost.with(.iptables28, containers) { host in
            try Installation.with(host.namespace) { installation in
                try installation.apply(
                    """
                    version: 1
                    services:
                      django: { publish: 8081/udp, allow: [203.0.113.0/24] }
                      db: { publish: 5432/udp, interfaces: [ext0], allow: [203.0.113.7] }

                    """)
                func probes(_ count: Int, from source: String, _ port: Int, _ outcome: Outcome) -> [Probe] {
                    (0..<count).map { _ in Probe(.udp, from: source, to: "192.0.2.1:\(port)", expect: outcome) }
                }
                // What is allowed is answered at once, so nothing of it is sent twice.
                try host.expect(probes(7, from: "203.0.113.7", 8081, .answered(by: "django")))
                try host.expect(probes(3, from: "203.0.113.7", 5432, .answered(by: "db")))
                let before = try document(installation)
                #expect(try service("django", before).allowed.packets >= 7)
                #expect(try service("django", before).refused.packets == 0)
                #expect(try service("db", before).allowed.packets >= 3)
                try host.expect(probes(2, from: "192.0.2.66", 8081, .silent))
                try host.expect(probes(1, from: "192.0.2.66", 5432, .silent))
                try host.expect(probes(1, from: "192.0.2.66", 8199, .silent))
                let after = try document(installation)
                #expect(try service("django", after).allowed == service("django", before).allowed)
                // A silent probe is sent once more.
                #expect([2, 4].contains(try service("django", after).refused.packets))
                #expect([1, 2].contains(try service("db", after).refused.packets))
                #expect([1, 2].contains(after.others["unlisted-refused"]?.packets))
                // The question is 18 bytes; headers are counted with it.
                let tally = try service("django", after).refused
                #expect(tally.bytes == tally.packets * (20 + 8 + 18))

                let text = try installation.run("status").orThrow()
                let django = try #require(text.split(separator: "\n").first { $0.hasPrefix("django") })
                #expect(django.contains("8081/udp") && django.contains("sources-service-django-v4(1)"))
                #expect(django.hasSuffix("\(tally.packets) (\(tally.bytes) B)"))
            }
        }
    }

    @Test func `goes with services, their ports and sources in the policy's words`() throws {
        try Installation.with { installation in
            try installation.apply(
                Sample.policy + "  bound: { publish: 81, on: [192.0.2.1], interfaces: [eth0], allow: [192.0.2.7] }\n")
            let status = try document(installation)
            #expect(status.version == 1 && status.integrity == "intact" && status.policyPath == installation.policy)
            #expect(status.digest.hasPrefix("sha256:"))
            #expect(status.services.map(\.name) == ["bound", "db", "django", "site"])
            #expect(
                status.services.map(\.ports) == [
                    ["192.0.2.1:81/tcp"], ["5432/tcp"], ["8081/tcp"], ["80/tcp", "443/udp"],
                ])
            #expect(try service("site", status).sources == ["anyone"])
            #expect(try service("db", status).sources == ["sources-service-db-v4(1)"])
            #expect(try service("bound", status).sources.count == 1)
            #expect(
                Set(try service("django", status).sources)
                    .isSuperset(of: ["group-office-v4(1)", "group-office-v6(1)"]))
        }
    }

    private func document(_ installation: Installation) throws -> Document {
        let output = try installation.run("status", "--json").orThrow()
        return try JSONDecoder().decode(Document.self, from: Data(output.utf8))
    }

    private func service(_ name: String, _ document: Document) throws -> Document.Service {
        try #require(document.services.first { $0.name == name })
    }
}
