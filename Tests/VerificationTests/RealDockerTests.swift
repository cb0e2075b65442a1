import Addressing
import Compiler
import DockerSocket
import Nftables
import NftablesKernel
import Policy
import Testing
import Verification

@testable import MatrixSupport
@testable import TestSupport

@Suite(.serialized, .requiresDocker) struct `Verifying with the rules of a real Docker` {
    private static let text = """
        version: 1
        services:
          web: { container: web, allow: [203.0.113.0/28, "2001:db8:10::/64"] }
          both: { publish: 8061, allow: [203.0.113.0/28, "2001:db8:10::/64"] }

        """

    /// docker-proxy alone has no rules that could be read, and rules of others change nothing.
    @Test(arguments: [RealDocker.Mode.standard, .translatingIPv6, .withoutProxy])
    func `finds nothing wrong with a right ruleset, and something with wrong ones`(mode: RealDocker.Mode) throws {
        try RealDocker.with(mode.flags) { docker in
            try docker.createNetwork(.dual)
            try docker.run(Container("web", publish: ["8081:80", "8081:80/udp", "192.0.2.1:8082:81"]))
            try docker.run(Container("both", on: .dual, publish: ["8061:80"]))
            try docker.host.run("iptables", "-I", "INPUT", "-s", "203.0.113.99", "-j", "DROP").orThrow()
            let inventory = try DockerSocket(path: docker.socket).inventory()
            let policy = try ResolvedPolicy.reading(Self.text, against: inventory)
            var connection = try KernelConnection(namespace: docker.host.namespace.path)
            let dump = try connection.readDockerTables()
            let right = Compiler.compile(policy).linearized()
            func verify(_ spoil: (inout LinearRuleset) throws -> Void) throws -> Verification {
                var ruleset = right
                try spoil(&ruleset)
                let engine = EngineRules(try ForeignRules(dump), interfaces: ["ext0"])
                return try Verifier(policy, ruleset: ruleset, engine: engine, atMost: 4000).verify()
            }
            let result = try verify { _ in }
            #expect(result.differences.map { "\($0)" } == [])
            #expect(result.rows.contains { $0.about == "web" && $0.path == .dockersPort && $0.tried == $0.possible })
            let open = try verify { try $0.removeChain("forward") }
            #expect(open.differences.contains { $0.claim.path == .dockersPort && $0.claim.about == "web" })
            // docker-proxy has what Docker does not translate.
            if mode == .standard {
                let proxied = try verify { try $0.removeChain("input") }
                #expect(proxied.differences.contains { $0.claim.path == .dockersPort && $0.claim.family == .ipv6 })
            }
        }
    }

    /// What the owner has in the same tables may count, and stop with ours what it let through without.
    @Test(arguments: [
        ["-m", "recent", "--name", "many", "--update", "--seconds", "60", "--hitcount", "2"],
        ["-m", "hashlimit", "--hashlimit-above", "2/minute", "--hashlimit-burst", "4", "--hashlimit-name", "many"],
    ])
    func `takes no counting of the owner's for a difference`(match: [String]) throws {
        try RealDocker.with { docker in
            try docker.run(Container("web", publish: ["8081:80"]))
            func insert(_ words: [String]) throws {
                let arguments = ["iptables", "-I", "DOCKER-USER", "-i", "ext0", "-p", "tcp"] + words
                try docker.host.namespace.run(Program(arguments)).orThrow()
            }
            try insert(match + ["-j", "DROP"])
            if match.contains("recent") { try insert(["-m", "recent", "--name", "many", "--set"]) }
            let result = try verify(
                "version: 1\nservices: { web: { container: web, allow: 203.0.113.0/28 } }\n", on: docker)
            #expect(result.differences.map { "\($0)" } == [])
            #expect(result.untried.contains { $0.contains("or not each time") })
        }
    }

    /// In a network that is wider than a /24 the last address of one is an address like others.
    @Test func `has containers at every address that Docker gives out`() throws {
        try RealDocker.with { docker in
            try docker.docker(
                "network", "create", "--subnet", "172.30.0.0/16", "-o", "com.docker.network.bridge.name=wide", "wide")
            for (name, address) in [("last", "172.30.0.255"), ("first", "172.30.1.0")] {
                try docker.run(Container(name, publish: [name == "last" ? "8081:80" : "8082:80"]))
                try docker.docker("network", "connect", "--ip", address, "wide", name)
            }
            let result = try verify(
                "version: 1\nservices: { web: { container: last, allow: 203.0.113.0/28 } }\n", on: docker)
            #expect(result.differences.map { "\($0)" } == [])
            #expect(result.rows.contains { $0.path == .dockersAddress && $0.tried > 4 })
        }
    }

    /// The policy's own ruleset, with the rules of this Docker.
    private func verify(_ text: String, on docker: RealDocker) throws -> Verification {
        let policy = try ResolvedPolicy.reading(text, against: try DockerSocket(path: docker.socket).inventory())
        var connection = try KernelConnection(namespace: docker.host.namespace.path)
        let engine = EngineRules(try ForeignRules(try connection.readDockerTables()), interfaces: ["ext0"])
        return try Verifier(policy, ruleset: Compiler.compile(policy).linearized(), engine: engine, atMost: 4000)
            .verify()
    }
}
