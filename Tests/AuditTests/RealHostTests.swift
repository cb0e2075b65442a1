import Addressing
import Audit
import Docker
import DockerSocket
import MatrixSupport
import Reachability
import TestSupport
import Testing

/// What an audit says of a real dockerd's host, and what packets find.
@Suite(.serialized, .requiresDocker) struct `An audit beside packets` {
    static let containers = [
        TestSupport.Container("web", publish: ["8081:80", "8081:80/udp"], listening: ["9000"]),
        TestSupport.Container("pinned", publish: ["192.0.2.1:8082:80"]),
        TestSupport.Container("local", publish: ["127.0.0.1:8084:80"]),
        TestSupport.Container("both", on: .dual, publish: ["8061:80"], listening: ["9000"]),
    ]

    struct Cell {
        var source: String
        var destination: String
        var port: UInt16
        var transport = TransportProtocol.tcp
        var place = Place.client

        var probe: Probe {
            let text = destination.contains(":") ? "[\(destination)]:\(port)" : "\(destination):\(port)"
            return Probe(transport == .tcp ? .tcp : .udp, from: source, to: text, at: place)
        }
    }

    static func cells(_ docker: RealDocker) throws -> [Cell] {
        let web = try docker.address(of: "web")
        let local = try docker.address(of: "local")
        let both = try docker.docker(
            "inspect", "-f", "{{range .NetworkSettings.Networks}}{{.GlobalIPv6Address}}{{end}}", "both"
        ).filter { !$0.isWhitespace }
        var cells: [Cell] = []
        for source in ["203.0.113.7", "203.0.113.99"] {
            for (destination, port) in [
                ("192.0.2.1", 8081), ("198.51.100.1", 8081), ("172.17.0.1", 8081), ("192.0.2.1", 8082),
                ("198.51.100.1", 8082), ("192.0.2.1", 8084), ("192.0.2.1", 8061), ("192.0.2.1", 8090), (web, 80),
                (web, 9000), (local, 80),
            ] as [(String, UInt16)] {
                cells.append(Cell(source: source, destination: destination, port: port))
            }
            cells.append(Cell(source: source, destination: "192.0.2.1", port: 8081, transport: .udp))
        }
        for source in ["2001:db8:10::7", "2001:db8:10:1::7"] {
            for (destination, port) in [
                ("2001:db8:1::1", 8081), ("2001:db8:1::1", 8061), ("2001:db8:2::1", 8061), ("2001:db8:1::1", 8090),
                (both, 80), (both, 9000),
            ] as [(String, UInt16)] {
                cells.append(Cell(source: source, destination: destination, port: port))
            }
        }
        cells.append(Cell(source: "198.51.100.66", destination: "198.51.100.1", port: 8081, place: .otherClient))
        cells.append(Cell(source: "198.51.100.66", destination: web, port: 80, place: .otherClient))
        return cells
    }

    static let policy = """
        version: 1
        services:
          web: { publish: [8081, 8081/udp], allow: [203.0.113.0/28, "2001:db8:10::/64"] }
          both: { publish: 8061, allow: [203.0.113.0/28, "2001:db8:10::/64"] }
          hostapp: { publish: 8090, allow: [203.0.113.0/28] }

        """

    private func compare(_ docker: RealDocker, _ label: String) throws -> Int {
        let cells = try Self.cells(docker)
        var judge = Judge(try Subject(docker.host.namespace))
        let outcomes = try docker.host.probe(cells.map(\.probe))
        for (cell, outcome) in zip(cells, outcomes) {
            let passage = judge.passage(
                from: try #require(IPAddress(cell.source)),
                Approach(
                    interface: cell.place == .client ? "ext0" : "ext1", transport: cell.transport,
                    address: try #require(IPAddress(cell.destination)), port: cell.port))
            let isAnswered = if case .answered = outcome { true } else { false }
            #expect(passage == (isAnswered ? .open : .closed), "\(label): \(cell.probe): \(outcome)")
        }
        return cells.count
    }

    @Test(arguments: RealDocker.Mode.allCases)
    func `say the same of every path, with a policy and without, and after others have flushed`(mode: RealDocker.Mode)
        throws
    {
        try DockerHost.with { host in
            try Installation.with(host.namespace) { installation in
                try RealDocker.with(on: host, mode.flags) { docker in
                    try docker.createNetwork(.dual)
                    for container in Self.containers { try docker.run(container) }
                    try docker.run(
                        TestSupport.Container("hostapp", listening: ["8090"]), options: ["--network", "host"])
                    var count = try compare(docker, "no policy")
                    try installation.write(Self.policy)
                    try installation.run("apply", "--docker", docker.socket).orThrow()
                    count += try compare(docker, "policy")
                    if mode != .withoutIptables {
                        try host.run("iptables", "-t", "nat", "-F").orThrow()
                        count += try compare(docker, "policy, nat -F")
                        try host.run("iptables", "-F").orThrow()
                        count += try compare(docker, "policy, -F")
                    }
                    try installation.run("remove", "--yes").orThrow()
                    count += try compare(docker, "no policy, at the end")
                    #expect(count > 100)
                }
            }
        }
    }

    @Test func `a rule of somebody else that cannot be followed makes it unknown`() throws {
        try RealDocker.with { docker in
            try docker.run(TestSupport.Container("web", publish: ["8081:80"]))
            let approach = Approach(
                interface: "ext0", transport: .tcp, address: try #require(IPAddress("192.0.2.1")), port: 8081)
            let source = try #require(IPAddress("203.0.113.7"))
            var judge = Judge(try Subject(docker.host.namespace))
            #expect(judge.passage(from: source, approach) == .open)
            try docker.host.load(
                "table inet odd { chain forward { type filter hook forward priority 5; meta random 1 drop; }; }")
            judge = Judge(try Subject(docker.host.namespace))
            #expect(judge.passage(from: source, approach) == .unknown)
        }
    }
}
