import Foundation
import TestSupport
import Testing

/// `explain --live`, beside the packets that it speaks of.
@Suite(.serialized, .requires(.root, .program("ip"), .nft, .iptables)) struct `An explanation of the rules in force` {
    private func explain(_ installation: Installation, _ options: String...) throws -> ProgramResult {
        try installation.program("explain", ["--live"] + options).run()
    }

    @Test func `names the container where it ends, and our rule with its line of the policy`() throws {
        try RealDocker.with { docker in
            try Installation.with(docker.host.namespace) { installation in
                try docker.run(TestSupport.Container("web", publish: ["8081:80"]))
                let socket = docker.socket
                let before = try explain(installation, "--docker", socket, "203.0.113.7", "8081")
                #expect(
                    before.status == 0 && before.output.contains("at web, 172.17.0.2:80 behind docker0"), "\(before)")
                #expect(try docker.host.probe(Probe(from: "203.0.113.7", to: "192.0.2.1:8081")) == .answered(by: "web"))
                let own = try explain(installation, "--docker", socket, "203.0.113.7", "web")
                #expect(own.status == 0 && own.output.contains("172.17.0.2:80/tcp"), "\(own)")
                let probe = Probe(from: "203.0.113.7", to: "172.17.0.2:80")
                #expect(try docker.host.probe(probe) == .answered(by: "web"), "its own address is open as well")

                try installation.write(
                    "version: 1\nservices:\n  web: { publish: 8081, allow: 203.0.113.0/28 }\nhost: { otherwise: drop }\n"
                )
                try installation.run("apply", "--docker", socket).orThrow()
                let refused = try explain(
                    installation, "--docker", socket, "--policy", installation.policy, "203.0.113.0/24", "web")
                #expect(refused.status == 1, "\(refused)")
                for text in [
                    "differs: 203.0.113.0/24 reaches web in part", "allowed 203.0.113.0/28\n",
                    "inet dockernft service-web, handle ", "(ours)", "policy   \(installation.policy):3",
                ] { #expect(refused.output.contains(text), "\(text)\n\(refused.output)") }
                #expect(!refused.output.contains("172.17.0.2:80/tcp"), "nobody is to dial it: \(refused.output)")
                #expect(try docker.host.probe(probe) == .silent)
                #expect(try docker.host.probe(Probe(from: "203.0.113.7", to: "192.0.2.1:8081")) == .answered(by: "web"))
                #expect(try docker.host.probe(Probe(from: "203.0.113.99", to: "192.0.2.1:8081")) == .silent)

                // Without us, what keeps others out is Docker's own.
                try installation.run("remove", "--yes").orThrow()
                let closed = try explain(installation, "--docker", socket, "203.0.113.7", "172.17.0.2:81")
                #expect(closed.status == 1 && closed.output.contains("the policy of ip filter FORWARD"), "\(closed)")
                let nothing = try explain(installation, "--docker", socket, "203.0.113.7", "9999")
                #expect(nothing.status == 1 && nothing.output.contains("nothing listens for 203.0.113.7"), "\(nothing)")
            }
        }
    }

    @Test func `names Docker's isolation between its networks`() throws {
        try DockerHost.with(.iptables20, Self.twoNetworks) { host in
            try Installation.with(host.namespace) { installation in
                let result = try explain(
                    installation, "--docker", "none", "--in", "docker0", try host.address(of: "web"),
                    "\(try host.address(of: "db")):80")
                #expect(result.status == 1, "\(result)")
                #expect(result.output.contains("ip filter DOCKER-ISOLATION-STAGE-2, handle "), "\(result.output)")
                #expect(result.output.contains("it keeps its networks apart"), "\(result.output)")
                #expect(result.output.contains("oifname"), "the rule itself: \(result.output)")
            }
        }
    }

    @Test(arguments: [DockerEngine.iptables28, .iptables29, .nftables29])
    func `names what Docker drops before it is routed`(engine: DockerEngine) throws {
        try DockerHost.with(engine, Self.twoNetworks) { host in
            try Installation.with(host.namespace) { installation in
                let web = try host.address(of: "web")
                let result = try explain(installation, "--docker", "none", "203.0.113.7", "\(web):80")
                #expect(result.status == 1, "\(result)")
                let place =
                    engine == .nftables29 ? "ip docker-bridges raw-PREROUTING, handle " : "ip raw PREROUTING, handle "
                #expect(result.output.contains(place), "\(result.output)")
                #expect(result.output.contains("a container's own address is not to be dialled"), "\(result.output)")
                #expect(result.output.contains("ip daddr \(web)"), "\(result.output)")
                #expect(try host.probe(Probe(from: "203.0.113.7", to: "\(web):80")) == .silent)
                let published = try explain(installation, "--docker", "none", "203.0.113.7", "192.0.2.1:8081")
                #expect(published.status == 0 && published.output.contains("\(web):80"), "\(published)")
            }
        }
    }

    private static let twoNetworks = [
        TestSupport.Container("web", publish: ["8081:80"]),
        TestSupport.Container("db", on: .user, publish: ["8082:80"]),
    ]
}
