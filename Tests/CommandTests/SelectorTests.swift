import TestSupport
import Testing

/// On a real engine. What a policy names by its containers is right after the next apply; what it names by the host's ports
/// always is.
@Suite(.serialized, .requiresDocker) struct `A container that is not what it was` {
    private static let policy = """
        version: 1
        services:
          web: { publish: 8081, allow: [203.0.113.0/24, "2001:db8:10::/48"] }
          grafana: { container: grafana, port: 3000, allow: [203.0.113.7, "2001:db8:10::7"] }
          shop: { compose: shop/web, allow: [203.0.113.7, "2001:db8:10::7"] }

        """

    private static func replica(_ number: Int) -> Container {
        Container("shop-web-\(number)", publish: ["\(8090 + number):80"])
    }

    private static let labels = [
        "--label", "com.docker.compose.project=shop", "--label", "com.docker.compose.service=web",
    ]

    @Test func `is followed by the next apply, and its host port is judged at any time`() throws {
        try RealDocker.with { docker in
            try Installation.with(docker.host.namespace) { installation in
                let host = docker.host
                func apply() throws -> ProgramResult {
                    let result = try installation.run("apply", "--docker", docker.socket)
                    #expect(result.status == 0, "\(result)")
                    return result
                }
                func expect(_ port: Int, _ name: String?) throws {
                    let answer = name.map { Outcome.answered(by: $0) } ?? .silent
                    try host.expect([
                        Probe(from: "203.0.113.7", to: "192.0.2.1:\(port)", expect: answer),
                        Probe(from: "203.0.113.8", to: "192.0.2.1:\(port)", expect: .silent),
                        Probe(from: "2001:db8:10::7", to: "[2001:db8:1::1]:\(port)", expect: answer),
                        Probe(from: "2001:db8:10::8", to: "[2001:db8:1::1]:\(port)", expect: .silent),
                    ])
                }
                try installation.write(Self.policy)
                try docker.run(Container("grafana", publish: ["3000:3000"]))
                try docker.run(Self.replica(1), options: Self.labels)
                try docker.run(Container("web", publish: ["8081:80"]))
                _ = try apply()
                try expect(3000, "grafana")
                try expect(8091, "shop-web-1")

                // Another address, since another takes its own, and another port.
                try docker.docker("rm", "-f", "grafana", "web")
                try docker.run(Container("squatter", publish: ["8085:80"]))
                try docker.run(Container("grafana", publish: ["3001:3000"]))
                try docker.run(Container("web", publish: ["8081:80"]))
                try host.expect([
                    Probe(from: "203.0.113.8", to: "192.0.2.1:8081", expect: .answered(by: "web")),
                    Probe(from: "198.51.100.10", to: "198.51.100.1:8081", at: .otherClient, expect: .silent),
                ])
                _ = try apply()
                try expect(3001, "grafana")
                try expect(8085, nil)

                // Scaled.
                try docker.run(Self.replica(2), options: Self.labels)
                _ = try apply()
                try expect(8091, "shop-web-1")
                try expect(8092, "shop-web-2")

                // Renamed: nobody has the name now, and whom it named is unlisted.
                try docker.docker("rename", "grafana", "grafana2")
                let result = try apply()
                #expect(result.error.contains("did you mean `container: grafana2`"), "\(result.error)")
                try expect(3001, nil)
                #expect(try installation.run("status").output.contains("as Docker had it at the last apply"))

                // Down: the rules in force stay.
                func ours() throws -> String { try installation.nft("-s", "list", "table", "inet", "dockernft") }
                let before = try ours()
                try docker.stopDaemon()
                #expect(try installation.run("apply", "--docker", docker.socket).status == 2)
                #expect(try ours() == before)

                // Who needs nothing of it goes on with what it ran at the last apply; or with nothing, if told so.
                try installation.write(Sample.quiet)
                let later = try Program(
                    ["env", "DOCKER_HOST=unix://\(docker.socket)"]
                        + installation.program("apply", ["--docker", "auto"]).arguments
                ).run()
                #expect(later.status == 0 && later.error.contains("at the last apply"), "\(later)")
                #expect(try ours().contains("docker-tcp"))
                try installation.run("apply", "--docker", "none").orThrow()
                #expect(!(try ours().contains("docker-tcp")))
                #expect(try installation.run("status").output.contains("OPEN"))
            }
        }
    }
}
