import Addressing
import Audit
import MatrixSupport
import Reachability
import TestSupport
import Testing

extension `An audit beside packets` {
    private static let djangoOnly = """
        version: 1
        services:
          django: { publish: 8081, allow: ["2001:db8:10::7"] }

        """

    /// docker-proxy serves them over IPv6, for the containers have none.
    private static let closedByGroup = ["2001:db8:1::1"].map {
        Cell(source: "2001:db8:10::8", destination: $0, port: 8199)
    }
    private static let othersOfTheHost = [9100, 8090].map {
        Cell(source: "2001:db8:10::8", destination: "2001:db8:1::1", port: $0)
    }

    @Test(.requires(.controlGroups))
    func `know what docker-proxy serves by its control group, which nobody names`() throws {
        try RealDocker.with { docker in
            try ControlGroup.with("\(docker.host.namespace.name).service") { group in
                try group.add(docker.process)
                try Installation.with(docker.host.namespace) { installation in
                    try docker.run(TestSupport.Container("django", publish: ["8081:80"]))
                    try docker.run(
                        TestSupport.Container("hostapp", listening: ["8090"]), options: ["--network", "host"])
                    try docker.host.serve("agent", at: .host, on: 9100, [.tcp])
                    try installation.write(Self.djangoOnly)
                    try installation.run("apply", "--docker", docker.socket).orThrow()
                    try docker.run(TestSupport.Container("late", publish: ["8199:80"]))

                    var judge = Judge(try Subject(docker.host.namespace))
                    let cells = Self.closedByGroup + Self.othersOfTheHost
                    for (cell, outcome) in zip(cells, try docker.host.probe(cells.map(\.probe))) {
                        let passage = judge.passage(
                            from: try #require(IPAddress(cell.source)),
                            Approach(
                                interface: "ext0", transport: .tcp, address: try #require(IPAddress(cell.destination)),
                                port: cell.port))
                        let isAnswered = if case .answered = outcome { true } else { false }
                        #expect(isAnswered == (cell.port != 8199), "\(cell.probe): \(outcome)")
                        #expect(passage == (isAnswered ? .open : .closed), "\(cell.probe)")
                    }
                    let (status, report) = try audit(installation, docker)
                    #expect(status == 0, "\(report.findings)")
                    // By whichever way it would have come.
                    #expect(Set(report.doors.filter { $0.port == 8199 }.map(\.verdict)) == ["closed"])
                    #expect(report.doors.filter { $0.verdict == "unknown" }.isEmpty)

                    // It was the rule that closed it: by the map alone, the port is open until the next apply.
                    let rules = try installation.nft("-a", "list", "table", "inet", "dockernft").split(separator: "\n")
                    let rule = try #require(rules.first { $0.contains("cgroupv2") })
                    let handle = try #require(rule.split(separator: " ").last).description
                    try installation.nft("delete", "rule", "inet", "dockernft", "to-this-machine", "handle", handle)
                    let (later, opened) = try audit(installation, docker)
                    #expect(later == 1)
                    #expect(opened.verdicts("proxy", 8199, "late").contains("open-to-anyone"))
                    // Its processes leave the group before it is removed.
                    try docker.stopDaemon()
                }
            }
        }
    }
}
