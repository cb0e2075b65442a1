import Addressing
import Conntrack
import Nftables
import Presentation
import Reconcile
import Simulator
import Testing

@Suite struct `How a plan speaks of connections` {
    private func lines(_ connections: Plan.OpenConnections) -> [String] {
        let table = LinearRuleset(table: Table(name: "dockernft"))
        let plan = Plan(
            access: [], difference: Difference(from: table, to: table), desired: Ruleset(table: table.table),
            connections: connections)
        return plan.accessLines.map { "\($0.sign.rawValue) \($0.text)" }
    }

    private func connection(
        _ client: String, _ port: UInt16 = 40000, to dialled: String, _ transport: TransportProtocol = .tcp,
        chain: String? = nil, age: UInt64? = nil
    ) throws -> EndedConnection {
        let dialled = Endpoint(try #require(IPAddress(dialled)), 8081)
        return EndedConnection(
            transport: transport, client: Endpoint(try #require(IPAddress(client)), port), dialled: dialled,
            server: dialled, chain: chain, age: age)
    }

    @Test func `none, and none that could have ended`() {
        #expect(lines(.untouched).isEmpty)
        #expect(lines(.known(EndedConnections())).isEmpty)
    }

    @Test func `of one client in one line, with the age of the oldest`() throws {
        let web = [
            try connection("203.0.113.7", 1, to: "192.0.2.1", chain: "service-django", age: 59),
            try connection("203.0.113.7", 2, to: "192.0.2.1", chain: "service-django", age: 7300),
        ]
        #expect(
            lines(.known(EndedConnections(web))) == [
                "- ends 2 connections: 203.0.113.7 -> django (192.0.2.1:8081/tcp), 2 connections, the oldest 2 hours old"
            ])
        #expect(
            lines(.known(EndedConnections([try connection("2001:db8::7", to: "2001:db8::1", .udp, age: 1)]))) == [
                "- ends 1 connection: 2001:db8::7 -> [2001:db8::1]:8081/udp, 1 second old"
            ])
    }

    @Test func `ten lines, and how many more`() throws {
        let many = try (0..<1012).map { try connection("203.0.113.\(min($0, 11))", UInt16($0), to: "192.0.2.1") }
        let said = lines(.known(EndedConnections(many)))
        #expect(said.count == 12)
        #expect(said.first == "- ends 1,012 connections:")
        #expect(said.dropFirst().first == "-   203.0.113.0 -> 192.0.2.1:8081/tcp")
        #expect(said.last == "-   and 1,002 more")
    }

    @Test func `what is not known is said`() {
        #expect(
            lines(.known(EndedConnections(doubtful: 2))) == [
                "  whether it ends 2 connections more is not known: by which interface they come in, or what the table does with "
                    + "them, cannot be told"
            ])
        #expect(
            lines(.unknown("list the open connections: Invalid argument"))
                == ["  which open connections it ends is not known: list the open connections: Invalid argument"])
    }
}
