import Addressing
import Audit
import HostRules
import Reachability
import Testing

@Suite struct `Doors that an audit tries` {
    static let office = """
        version: 1
        services:
          web: { publish: 8081, allow: 203.0.113.9 }
        """
    static let dropsAll: [Instruction] = [.verdict(.drop)]

    @Test func `with Docker's rules alone, every path to a published port is open to anyone, and comes first`() throws {
        let report = SampleHost().report
        #expect(report.result == .open)
        for path in [Path.dnat4, .proxy, .loopback] {
            let entrance = try #require(report.entrances(path, 8081).first, "\(path)")
            #expect(entrance.verdict == .openToAnyone, "\(path)")
        }
        #expect(report.entrances(.direct, 80).first?.verdict == .openToAnyone)
        #expect(report.entrances(.direct, nil).allSatisfy { $0.verdict == .closed })
        #expect(report.entrances.map(\.verdict) == report.entrances.map(\.verdict).sorted())
        #expect(Set(report.codes) == [.openByDNAT, .openByProxy, .openByLoopback, .openByDirectRoute])
    }

    @Test func `host addresses whose answers are the same are one entrance`() {
        let entrance = SampleHost().report.entrances(.dnat4, 8081)
        #expect(entrance.count == 1)
        #expect(entrance.first?.addresses.map(\.description) == ["172.17.0.1", "192.0.2.1"])
        #expect(entrance.first?.interfaces == ["ext0"])
    }

    @Test func `a guard on the forward path alone leaves docker-proxy open`() {
        let report = SampleHost([SampleHost.guarding(.forward, [Self.dropsAll])], policy: Self.office).report
        #expect(report.entrances(.dnat4, 8081).first?.verdict == .closedToAllowed)
        #expect(report.entrances(.proxy, 8081).first?.verdict == .openToAnyone)
        #expect(report.codes == [.openByProxy, .allowedButClosed])
    }

    @Test func `what is open to whom the policy allows and to nobody else is no finding`() {
        let rules = [SampleHost.from([203, 0, 113, 9]) + [.verdict(.accept)], Self.dropsAll]
        let report = SampleHost(
            [SampleHost.guarding(.forward, rules), SampleHost.guarding(.input, rules, table: "guard-input")],
            policy: Self.office
        ).report
        #expect(report.entrances(.dnat4, 8081).first?.verdict == .asAllowed)
        #expect(report.entrances(.proxy, 8081).isEmpty)
        // The same address may be dialled past the published port.
        #expect(Set(report.codes) == [.openByDirectRoute, .openByLoopback])
    }

    @Test func `what is open to more than are allowed says who is too many`() {
        let rules = [
            SampleHost.from([203, 0, 113, 9]) + [.verdict(.accept)],
            SampleHost.from([203, 0, 113, 66]) + [.verdict(.accept)],
            Self.dropsAll,
        ]
        let report = SampleHost([SampleHost.guarding(.forward, rules)], policy: Self.office).report
        let entrance = report.entrances(.dnat4, 8081).first
        #expect(entrance?.verdict == .openTooWide)
        #expect(entrance?.excess.v4.ranges.map(\.text) == ["203.0.113.66"])
    }

    @Test func `a rule that cannot be read makes it unknown, and says which`() {
        let report = SampleHost([SampleHost.guarding(.forward, [[.unknown("osf"), .verdict(.drop)]])]).report
        let entrance = report.entrances(.dnat4, 8081).first
        #expect(entrance?.verdict == .unknown)
        #expect(entrance?.reasons == ["inet guard forward handle 1: osf is not followed"])
        #expect(report.codes.contains(.answerUnknown))
    }

    @Test func `an answer that is unknown is neither open nor fine`() {
        let unreadable: [Instruction] = [.unknown("osf"), .verdict(.drop)]
        let report = SampleHost(
            [SampleHost.guarding(.forward, [unreadable]), SampleHost.guarding(.input, [Self.dropsAll], table: "i")]
        ).report
        #expect(report.result == .unknown)
    }

    @Test func `rules of iptables-legacy make every answer unknown`() {
        var host = SampleHost([SampleHost.guarding(.forward, [Self.dropsAll])])
        host.installation.legacyTables = ["ip filter"]
        #expect(host.report.entrances.allSatisfy { $0.verdict == .unknown })
        #expect(host.report.codes.first == .legacyIptables)
    }

    @Test func `without docker-proxy and without DNAT nobody answers`() {
        var host = SampleHost(hasDockerRules: false)
        host.listeners = []
        #expect(host.report.entrances(.dnat4, 8081).allSatisfy { $0.verdict == .closed })
    }

    @Test func `a port that the engine merely keeps from others is not open`() {
        var host = SampleHost(hasDockerRules: false)
        for index in host.listeners.indices { host.listeners[index].processes = ["dockerd"] }
        #expect(host.report.entrances(.proxy, 8081).isEmpty)
    }

    @Test func `with NAT flushed, docker-proxy answers over IPv4 too`() {
        let report = SampleHost(hasDockerRules: false).report
        #expect(report.entrances(.proxy, 8081).filter { $0.verdict == .openToAnyone }.count == 2)
    }

    @Test
    func `a port of the machine that a service names on another address is as closed as the policy's rules make it`()
        throws
    {
        let policy = """
            version: 1
            services:
              web: { publish: 9100, on: [192.0.2.1], allow: 203.0.113.9 }
            """
        var host = SampleHost(policy: policy)
        host.listeners = [
            Listener(transport: .tcp, address: .v4(IPv4Address(0)), port: 9100, processes: ["exporter"])
        ]
        let entrances = host.report.entrances(.host, 9100)
        let named = try #require(entrances.first { $0.addresses.map(\.description) == ["192.0.2.1"] })
        #expect(named.excess.v4.ranges.map(\.text) == ["0.0.0.0-203.0.113.8", "203.0.113.10-255.255.255.255"])
        // The rules refuse it there, be there a container or not.
        let other = try #require(entrances.first { $0.addresses.map(\.description) == ["172.17.0.1"] })
        #expect(other.excess.v4 == .all)
    }
}
