import Addressing
import HostRules
import Nftables
import Simulator
import Testing

@testable import Conntrack

/// What the kernel tracks, as a change that closes every way judges it.
@Suite struct `What is told of a tracked connection` {
    private static func interface(_ index: UInt32, _ name: String, _ addresses: [[UInt8]]) -> HostInterface {
        HostInterface(index: index, name: name, addresses: addresses.map { .init(bytes: $0, prefixLength: 64) })
    }

    private static func route(_ destination: [UInt8], _ length: Int, local: Bool = false, _ index: UInt32) -> HostRoute
    {
        HostRoute(
            destination: destination, prefixLength: length, type: local ? 2 : 1, table: local ? 255 : 254,
            interface: index)
    }

    private static func linkLocal(_ last: UInt8) -> [UInt8] { [0xfe, 0x80] + Array(repeating: 0, count: 13) + [last] }

    private let network = HostNetwork(
        interfaces: [
            interface(2, "ext0", [[192, 0, 2, 1], linkLocal(1)]), interface(3, "ext1", [linkLocal(2)]),
            interface(4, "docker0", [[172, 17, 0, 1]]),
        ],
        routes: [
            route([192, 0, 2, 0], 24, 2), route([203, 0, 113, 0], 24, 2), route([172, 17, 0, 0], 16, 4),
            route([192, 0, 2, 1], 32, local: true, 2), route([172, 17, 0, 1], 32, local: true, 4),
            route(linkLocal(0), 64, 2), route(linkLocal(0), 64, 3), route(linkLocal(1), 128, local: true, 2),
            route(linkLocal(2), 128, local: true, 3),
        ])

    /// Closed to what comes in by one interface, or by all.
    private func closed(_ interface: String? = nil) -> LinearRuleset {
        let isMeant = interface.flatMap { try? InterfaceName($0) }.map { name in
            Statement.match(.meta(.iifname), .inSet("closed-\(name)"))
        }
        let rule = Rule((isMeant.map { [$0] } ?? []) + [.verdict(.drop)])
        let hooks: [(BaseChain.Hook, String)] = [(.forward, "forward"), (.input, "input")]
        let names = interface.flatMap { try? InterfaceName($0) }.map { [$0] } ?? []
        return Ruleset(
            table: Table(name: "dockernft"),
            sets: names.map {
                NamedSet(
                    name: "closed-\($0)", key: [.interfaceName], elements: .keyed([Element(key: [.interface($0)])]))
            },
            chains: hooks.map { hook, name in
                Chain(name: name, base: BaseChain(hook: hook, priority: -10, policy: .accept), rules: [rule])
            }
        ).linearized()
    }

    private func judge(_ connections: [Connection], by after: LinearRuleset? = nil) -> EndedConnections {
        let census = Census(network, FlowTrial(before: nil, after: after ?? closed()))
        for connection in connections { census.take(connection) }
        return census.result
    }

    private func address(_ text: String) throws -> IPAddress { try #require(IPAddress(text)) }

    /// Translated where another server is given.
    private func connection(
        _ client: String, _ dialled: String, server: String? = nil, _ transport: TransportProtocol = .tcp,
        state: UInt8? = 3, _ status: Connection.Status = [.seenReply, .assured]
    ) throws -> Connection {
        let (client, dialled) = (try address(client), try address(dialled))
        let answering = try server.map { try address($0) } ?? dialled
        return Connection(
            transport: transport, original: .init(client, 40000, to: dialled, 8081),
            reply: .init(answering, server == nil ? 8081 : 80, to: client, 40000),
            status: server == nil ? status : status.union(.destinationNAT), protocolState: state)
    }

    @Test func `translated, delivered or passed on, by the way that it takes`() throws {
        let connections = [
            try connection("203.0.113.7", "192.0.2.1", server: "172.17.0.2"),
            try connection("203.0.113.8", "192.0.2.1"), try connection("203.0.113.9", "172.17.0.2"),
        ]
        let census = Census(network, FlowTrial(before: nil, after: closed()))
        let flows = connections.flatMap { census.flows($0) }
        #expect(flows.map(\.iifname) == ["ext0", "ext0", "ext0"])
        #expect(flows.map(\.oifname) == ["docker0", nil, "docker0"])
        #expect(flows.map(\.isTranslated) == [true, false, false])
        #expect(Set(judge(connections).connections.map(\.client.address)).count == 3)
        #expect(judge(connections, by: closed("docker0")) == EndedConnections())
    }

    @Test func `what is not open, and what the host itself began, does not end`() throws {
        let nothing = [
            try connection("203.0.113.7", "192.0.2.1", .tcp, state: 2, []),
            try connection("203.0.113.7", "192.0.2.1", .tcp, state: 7),
            try connection("203.0.113.7", "192.0.2.1", .tcp, state: 8),
            try connection("203.0.113.7", "192.0.2.1", .tcp, state: 4),
            try connection("203.0.113.7", "192.0.2.1", .udp, state: nil, []),
            try connection("203.0.113.7", "192.0.2.1", .sctp, state: 3),
            try connection("203.0.113.7", "192.0.2.1", .tcp, state: 3, [.seenReply, .dying]),
            try connection("203.0.113.7", "192.0.2.1", .tcp, state: 3, [.seenReply, .expected]),
            try connection("172.17.0.1", "172.17.0.2"), try connection("192.0.2.1", "203.0.113.7"),
        ]
        #expect(judge(nothing) == EndedConnections())
        let open = [
            try connection("203.0.113.7", "192.0.2.1", .udp, state: nil, .seenReply),
            try connection("203.0.113.7", "192.0.2.1", .sctp, state: 4),
        ]
        #expect(judge(nothing + open).connections.count == 2)
    }

    @Test func `one that is seen twice is told once`() throws {
        let one = try connection("203.0.113.7", "192.0.2.1")
        #expect(judge([one, one]).connections.count == 1)
    }

    @Test func `a link-local client comes in where the address that it dialled is`() throws {
        let connections = [try connection("fe80::10", "fe80::1"), try connection("fe80::10", "fe80::2")]
        #expect(judge(connections, by: closed("ext1")).connections.map(\.dialled.address) == [try address("fe80::2")])
    }

    @Test func `whose way is not known, may end`() throws {
        let far = try connection("198.51.100.7", "192.0.2.1")
        #expect(judge([far]) == EndedConnections(doubtful: 1))
        // Of two ways, one is closed.
        let passing = try connection("fe80::10", "172.17.0.2")
        #expect(judge([passing], by: closed("ext1")) == EndedConnections(doubtful: 1))
        #expect(judge([passing]).connections.count == 1)
    }

    @Test func `a namespace that is not there is said by its name`() {
        let error = #expect(throws: ConntrackError.self) {
            try ConntrackTable.read(namespace: "/nowhere/at-all") { _ in }
        }
        #expect(error?.description == "enter network namespace /nowhere/at-all: No such file or directory")
    }
}
