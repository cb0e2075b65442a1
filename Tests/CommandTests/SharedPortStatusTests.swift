import Foundation
import TestSupport
import Testing

@Suite(.requiresPackets) struct `What status says of services that share a port` {
    private struct Document: Decodable {
        struct Tally: Decodable { var packets: Int }

        struct Service: Decodable {
            var name: String
            var ports: [String]
            var sources: [String]
            var allowed: Tally
            var refused: Tally
        }

        var services: [Service]
    }

    @Test func `is each one's own packets and ports`() throws {
        let containers = [Container("app", publish: ["8081:80/udp", "8082:81/udp"])]
        try DockerHost.with(.iptables28, containers) { host in
            try Installation.with(host.namespace) { installation in
                try installation.apply(
                    """
                    version: 1
                    services:
                      people: { publish: 8081/udp, allow: [203.0.113.0/24] }
                      robots: { publish: [8081/udp, 8082/udp], allow: [192.0.2.66] }

                    """)
                func probes(_ count: Int, from source: String, _ port: Int, _ outcome: Outcome) -> [Probe] {
                    (0..<count).map { _ in Probe(.udp, from: source, to: "192.0.2.1:\(port)", expect: outcome) }
                }
                try host.expect(probes(5, from: "203.0.113.7", 8081, .answered(by: "app")))
                try host.expect(probes(2, from: "192.0.2.66", 8081, .answered(by: "app")))
                try host.expect(probes(1, from: "192.0.2.66", 8082, .answered(by: "app")))
                try host.expect(probes(1, from: "203.0.113.7", 8082, .silent))

                let (people, robots) = try services(installation)
                #expect(people.ports == ["8081/udp"])
                #expect(robots.ports == ["8081/udp", "8082/udp"])
                #expect(people.sources == ["sources-service-people-v4(1)"])
                #expect(robots.sources == ["sources-service-robots-v4(1)"])
                // A slow answer is asked for again.
                #expect((5...30).contains(people.allowed.packets))
                #expect((3...18).contains(robots.allowed.packets))
                #expect(people.refused.packets == 0)
                #expect([1, 2].contains(robots.refused.packets), "a silent probe is sent once more")

                // Whom neither lets in, both refuse.
                try host.expect(probes(1, from: "192.0.2.130", 8081, .silent))
                let after = try services(installation)
                #expect([1, 2].contains(after.people.refused.packets))
                #expect([1, 2].contains(after.robots.refused.packets - robots.refused.packets))
                #expect(after.people.allowed.packets == people.allowed.packets)
                #expect(after.robots.allowed.packets == robots.allowed.packets)

                let text = try installation.run("status").orThrow()
                let lines = text.split(separator: "\n")
                #expect(try #require(lines.first { $0.hasPrefix("people") }).contains("8081/udp"))
                #expect(try #require(lines.first { $0.hasPrefix("robots") }).contains("8082/udp"))
            }
        }
    }

    private func services(_ installation: Installation) throws -> (people: Document.Service, robots: Document.Service) {
        let output = try installation.run("status", "--json").orThrow()
        let services = try JSONDecoder().decode(Document.self, from: Data(output.utf8)).services
        try #require(services.map(\.name) == ["people", "robots"])
        return (services[0], services[1])
    }
}
