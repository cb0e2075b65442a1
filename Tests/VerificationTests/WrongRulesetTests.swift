import Addressing
import Compiler
import Diagnostics
import Docker
import Nftables
import Policy
import Rehearsal
import Simulator
import TestSupport
import Testing
import Verification

@Suite(.serialized, .requires(.root)) struct `Verifying a ruleset with real packets` {
    @Test func `finds nothing wrong with what the compiler makes of a policy`() throws {
        for sample in WrongRuleset.Sample.allCases {
            let result = try Verifier(sample.policy(), ruleset: sample.ruleset()).verify()
            #expect(result.differences.map { "\($0)" } == [])
            #expect(result.untried == [])
            #expect(result.tried == result.possible)
            #expect(result.tried > 300)
        }
    }

    /// It found the one of them deciding for the other.
    @Test func `holds two services of ping to their union`() throws {
        let policy = try RichPolicy.policy(
            """
            version: 1
            host:
              services:
                office: { icmp: echo-request, allow: [203.0.113.0/24, "2001:db8:10::/64"] }
                monitor: { icmp: echo-request, allow: 198.51.100.9, except: 203.0.113.7 }
            """)
        let result = try Verifier(policy, ruleset: Compiler.compile(policy).linearized()).verify()
        #expect(result.differences.map { "\($0)" } == [])
        #expect(result.rows.contains { $0.about == "host monitor" && $0.tried > 4 })
    }

    /// Ports of clients are all a service's; the stage's host has neither a loopback nor a link-local address to be dialled from outside.
    @Test(arguments: [
        "publish: 32768-60999", "publish: 1-65535", "publish: [8081, 8081/udp], on: 127.0.0.1",
        "publish: [8081, 8081/udp], on: [\"fe80::1\", 192.0.2.201]",
    ])
    func `is not misled by`(opening: String) throws {
        let policy = try RichPolicy.policy(
            """
            version: 1
            services:
              odd: { \(opening), allow: [203.0.113.0/24, "2001:db8:10::/64"] }
            """)
        let result = try Verifier(policy, ruleset: Compiler.compile(policy).linearized()).verify()
        #expect(result.differences.map { "\($0)" } == [])
        #expect(result.rows.contains { $0.about == "odd" && $0.tried > 4 })
    }

    @Test(arguments: [
        "[lo, docker0]", "[lo, ens3, docker0]", "[docker0, docker_gwbridge, \"br-*\", \"podman*\", \"cni-podman*\"]",
    ])
    func `is not misled by external interfaces that are loopback or bridges`(external: String) throws {
        let policy = try RichPolicy.policy(
            """
            version: 1
            interfaces: { external: \(external) }
            services:
              web: { publish: 8080, allow: [203.0.113.7, "2001:db8:10::7"] }
            """)
        let result = try Verifier(policy, ruleset: Compiler.compile(policy).linearized()).verify()
        #expect(result.differences.map { "\($0)" } == [])
        #expect(result.rows.contains { $0.about == "web" && $0.tried > 4 })
    }

    /// A routed network may be cut out of the one that its clients are in.
    @Test func `reaches containers beside their clients`() throws {
        let api = Docker.Attachment(network: "rt", ipv4: IPv4Address(0xc0a8_0142))
        let inventory = Inventory(
            containers: [
                Docker.Container(id: "1", name: "api", attachments: [api], publishedPorts: [PortRange(.tcp, 80...80)])
            ],
            networks: [
                Network(
                    id: "rt", name: "rt", bridge: try InterfaceName("br-rt"), gatewayMode4: .routed,
                    gatewayMode6: .routed)
            ])
        let policy = try RichPolicy.policy(
            """
            version: 1
            services:
              api: { container: api, allow: [192.168.1.0/26, 192.168.1.200-192.168.1.210] }
            """, inventory)
        let result = try Verifier(policy, ruleset: Compiler.compile(policy).linearized()).verify()
        #expect(result.differences.map { "\($0)" } == [])
        #expect(result.rows.contains { $0.about == "api" && $0.tried > 4 })
    }

    @Test func `is tried with more than thirty wrong ones`() { #expect(WrongRuleset.all.count >= 30) }

    @Test(arguments: WrongRuleset.all) func `finds that`(wrong: WrongRuleset) throws {
        var ruleset = try wrong.sample.ruleset()
        try wrong.spoil(&ruleset)
        let result = try Verifier(wrong.sample.policy(), ruleset: ruleset).verify()
        let isKept = result.isKept
        #expect(!isKept)
    }

    @Test func `names the rule that decides, and the line of the policy`() throws {
        var ruleset = try WrongRuleset.Sample.rich.ruleset()
        try ruleset.setAddresses("sources-service-ports-v4", "203.0.113.0/25")
        let result = try Verifier(RichPolicy.policy(), ruleset: ruleset).verify()
        let difference = try #require(result.differences.first)
        #expect(difference.claim.ruling.origin?.start.line == 22)
        #expect(difference.decision?.chain == "services-monitoring//more//ports")
        #expect(result.rows.reduce(0) { $0 + $1.differing } == result.differences.count)
    }

    @Test func `tries an even share of what is too much, and says so`() throws {
        let whole = try Verifier(RichPolicy.policy(), ruleset: WrongRuleset.Sample.rich.ruleset())
        let result = try Verifier(RichPolicy.policy(), ruleset: WrongRuleset.Sample.rich.ruleset(), atMost: 500)
            .verify()
        #expect(result.tried == 500)
        #expect(result.possible <= whole.count)
        #expect(result.possible > result.tried)
        #expect(result.isKept)
        #expect(result.rows.filter { $0.possible > 20 && $0.tried == 0 }.map(\.about) == [])
    }
}

extension WrongRuleset.Sample {
    func policy() throws -> ResolvedPolicy {
        switch self {
        case .rich: try RichPolicy.policy()
        case .docker: try DockerPolicy.policy()
        case .listed: try ListedPolicy.policy()
        }
    }

    func ruleset() throws -> LinearRuleset { Compiler.compile(try policy()).linearized() }
}
