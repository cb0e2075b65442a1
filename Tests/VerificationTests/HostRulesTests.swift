import Addressing
import Compiler
import Nftables
import NftablesKernel
import Policy
import Recording
import Testing
import Verification

@testable import MatrixSupport
@testable import TestSupport

@Suite(.serialized, .requiresPackets) struct `Verifying with the rules of an engine` {
    /// What is recorded of the matrix's host, as it comes out of a file.
    private func recording(_ engine: DockerEngine, _ estate: Estate) throws -> Recording {
        try DockerHost.with(engine, estate.containers) { host in
            var connection = try KernelConnection(namespace: host.namespace.path)
            let recording = Recording(
                inventory: try estate.inventory(), interfaces: [try InterfaceName("ext0"), try InterfaceName("ext1")],
                tables: try connection.readDockerTables())
            let again = try Recording(bytes: recording.encoded())
            #expect(again == recording)
            return again
        }
    }

    private func verify(
        _ recording: Recording, _ policy: ResolvedPolicy, _ ruleset: LinearRuleset, atMost limit: Int
    ) throws -> Verification {
        let engine = EngineRules(
            try ForeignRules(recording.tables), interfaces: recording.interfaces.map(\.description))
        return try Verifier(policy, ruleset: ruleset, engine: engine, atMost: limit).verify()
    }

    private func rows(_ result: Verification, _ path: Claim.Path) -> [Verification.Row] {
        result.rows.filter { $0.path == path }
    }

    @Test(arguments: DockerEngine.allCases)
    func `finds nothing wrong with what the compiler makes of a policy`(engine: DockerEngine) throws {
        let estate = try Estate(hasGatewayModes: engine.closesDirectRoutes)
        let recording = try recording(engine, estate)
        let policy = try estate.resolved(.dockerAskedHostClosed)
        let result = try verify(recording, policy, Compiler.compile(policy).linearized(), atMost: 6000)
        #expect(result.differences.map { "\($0)" } == [])
        let ports = rows(result, .dockersPort)
        // All that the policy lets in is answered without it.
        #expect(result.untried.filter { $0.contains("lets in") } == [])
        #expect(ports.map(\.about).contains("what Docker publishes"))
        for name in ["django", "first", "second", "both", "shop", "pinned", "elsewhere", "pinned6"] {
            #expect(ports.contains { $0.about == name && $0.tried > 4 }, "\(name)")
        }
        #expect(rows(result, .dockersAddress).contains { $0.about == "containers' own addresses" && $0.tried > 4 })
        if engine.closesDirectRoutes {
            #expect(rows(result, .dockersAddress).contains { $0.about == "routed" && $0.tried > 4 })
        }
    }

    @Test(arguments: [DockerEngine.iptables20, .iptables29, .nftables29])
    func `finds a ruleset that lets in one too many, and one too few`(engine: DockerEngine) throws {
        let estate = try Estate(hasGatewayModes: engine.closesDirectRoutes)
        let recording = try recording(engine, estate)
        let policy = try estate.resolved(.dockerAskedHostClosed)
        let right = Compiler.compile(policy).linearized()
        for (list, isWider) in [("0.0.0.0-255.255.255.255", true), ("203.0.113.1", false)] {
            var wrong = right
            try wrong.setAddresses("sources-service-both-v4", list)
            let result = try verify(recording, policy, wrong, atMost: 3000)
            let found = result.differences.filter { $0.claim.path == .dockersPort }
            // It is the set of all services with a list.
            #expect(Set(found.map(\.claim.about)).isSuperset(of: ["both", "django", "first", "pinned", "shop"]))
            #expect(found.allSatisfy { $0.claim.family == .ipv4 && ($0.met != .silence) == isWider })
            #expect(found.allSatisfy { $0.decision != nil })
        }
    }

    @Test(arguments: [DockerEngine.iptables28, .nftables29])
    func `finds that what Docker translates is not looked at`(engine: DockerEngine) throws {
        let estate = try Estate(hasGatewayModes: true)
        let recording = try recording(engine, estate)
        let policy = try estate.resolved(.dockerAskedHostClosed)
        var wrong = Compiler.compile(policy).linearized()
        try wrong.removeChain("forward")
        let found = try verify(recording, policy, wrong, atMost: 3000).differences
        for path in [Claim.Path.dockersPort, .dockersAddress] {
            #expect(found.contains { $0.claim.path == path && $0.met == .answered(by: .container) })
        }
    }

    /// A service of an internal network is to be reached by some, and Docker lets nobody.
    @Test func `says what it cannot see`() throws {
        let estate = try Estate(hasGatewayModes: true)
        let recording = try recording(.iptables28, estate)
        let policy = try ResolvedPolicy.reading(
            "version: 1\nunlisted: accept\nservices: { a: { publish: 8081, allow: anyone } }\n",
            against: recording.inventory)
        let result = try verify(recording, policy, Compiler.compile(policy).linearized(), atMost: 4000)
        #expect(result.isKept)
        #expect(result.untried.contains { $0.contains("Docker's rules, or others in its tables, do not") })
    }

    @Test func `keeps within a limit`() throws {
        let estate = try Estate(hasGatewayModes: false)
        let recording = try recording(.iptables20, estate)
        let policy = try estate.resolved(.dockerAskedHostClosed)
        let result = try verify(recording, policy, Compiler.compile(policy).linearized(), atMost: 400)
        #expect(result.isKept)
        #expect(result.tried <= 400 && result.tried > 350)
    }
}
