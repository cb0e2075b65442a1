import Audit
import HostRules
import Testing

@Suite struct `How a host is set up` {
    @Test(arguments: [
        (TableCondition.absent, FindingCode.tableAbsent), (.changed, .tableChanged), (.foreign, .tableForeign),
        (.dormant, .tableDormant),
    ])
    func `what became of our table`(condition: TableCondition, code: FindingCode) {
        var host = SampleHost(policy: "version: 1\nservices:\n  web: {publish: 8081, allow: anyone}\n")
        host.condition = condition
        #expect(host.report.codes.contains(code))
        host.policy = nil
        #expect(!host.report.codes.contains(code))
    }

    func filter(_ forward: [Instruction]) -> HostTable {
        HostTable(
            family: .ip6, name: "filter",
            chains: [
                HostChain(
                    name: "FORWARD", base: .init(type: "filter", hook: .forward, priority: 0),
                    rules: [HostRule(forward)]),
                HostChain(name: "DOCKER-USER", rules: [HostRule([.verdict(.drop)])]),
            ])
    }

    @Test func `rules in a DOCKER-USER that nothing jumps to`() {
        #expect(SampleHost([filter([.verdict(.accept)])]).report.codes.contains(.dockerUserNoJump))
        #expect(!SampleHost([filter([.verdict(.jump("DOCKER-USER"))])]).report.codes.contains(.dockerUserNoJump))
    }

    @Test func `rules in a DOCKER-USER beside Docker's own nftables`() {
        let native = HostTable(family: .ip, name: "docker-bridges", chains: [])
        #expect(SampleHost([filter([.verdict(.jump("DOCKER-USER"))]), native]).report.codes.contains(.dockerUserDead))
    }

    @Test func `a DOCKER-USER that only returns is nobody's rules`() {
        var table = filter([.verdict(.accept)])
        table.chains[1].rules = [HostRule([.noEffect("counter"), .verdict(.return)])]
        let codes = SampleHost([table]).report.codes
        #expect(!codes.contains(.dockerUserNoJump) && !codes.contains(.dockerUserDead))
    }

    @Test func `a ruleset that is flushed at boot, with its line`() {
        var host = SampleHost()
        host.installation.rulesetFiles = [
            .init(path: "/etc/nftables.conf", text: "#!/usr/sbin/nft -f\n# flush ruleset\nflush  ruleset;\n")
        ]
        #expect(host.report.findings.contains { $0.code == .flushRuleset && $0.headline.contains("nftables.conf:3 ") })
        host.installation.rulesetFiles = [
            .init(path: "/etc/nftables.conf", text: "# flush ruleset\nflush table inet mine\n")
        ]
        #expect(!host.report.codes.contains(.flushRuleset))
    }

    @Test(arguments: [
        (Installation.Unit.missing, FindingCode.unitMissing), (.disabled, .unitDisabled),
        (.enabled(.init(path: "u", text: "[Unit]\nAfter=docker.service\n")), .unitAfterDocker),
    ])
    func `a unit that comes too late or not at all`(unit: Installation.Unit, code: FindingCode) {
        var host = SampleHost()
        host.installation.unit = unit
        #expect(host.report.codes.contains(code))
    }

    @Test func `a unit before docker's, and a host without systemd, are fine`() {
        for unit in [
            Installation.Unit.noSystemd, .enabled(.init(path: "u", text: "[Unit]\nBefore=a.target docker.service\n")),
        ] {
            var host = SampleHost()
            host.installation.unit = unit
            #expect(Set(host.report.codes).isDisjoint(with: [.unitMissing, .unitDisabled, .unitAfterDocker]))
        }
    }

    @Test func `flowtables, and what filters frames, are said`() {
        var table = SampleHost.guarding(.forward, [])
        table.flowtables = ["fast"]
        var frames = SampleHost.guarding(.forward, [], table: "frames")
        frames.family = .bridge
        let codes = SampleHost([table, frames]).report.codes
        #expect(codes.contains(.flowtable) && codes.contains(.bridgeRules))
    }
}
