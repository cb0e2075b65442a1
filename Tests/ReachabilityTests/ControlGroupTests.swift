import Addressing
import HostRules
import Reachability
import Testing

@Suite struct `A rule about the control group of a socket` {
    static let engine: UInt64 = 0x1267
    static let unit = Listener(
        transport: .tcp, address: .v6(IPv6Address(0)), port: 8081, takesBothFamilies: true,
        controlGroups: [1, engine])

    /// `socket cgroupv2 level 1 "docker.service" drop`
    static let closed: [Instruction] =
        [
            .loadControlGroup(level: 1, into: 0),
            .compare(0, operation: 0, [0x67, 0x12, 0, 0, 0, 0, 0, 0]),
        ] + Rule.drop

    private func answer(
        _ listeners: [Listener], _ rule: [Instruction] = closed, at hook: HostChain.Base.Hook = .input,
        _ address: String = "192.0.2.1"
    ) throws -> Answer {
        let host = HandWritten([.at(hook, 0, [rule])])
        var reachability = Reachability(
            HostRuleset(generation: 1, tables: host.tables), topology: host.topology, listeners: listeners)
        return reachability.answer(
            Approach(
                interface: "ext0", transport: .tcp, address: try #require(IPAddress(address)), port: 8081))
    }

    private func socket(
        _ groups: [UInt64]?, at address: String = "0.0.0.0", port: UInt16 = 8081, by interface: String? = nil
    ) throws -> Listener {
        Listener(
            transport: .tcp, address: try #require(IPAddress(address)), port: port, interface: interface,
            controlGroups: groups)
    }

    @Test func `closes a socket of the group, and of one below it, over both families`() throws {
        #expect(try answer([Self.unit]).isClosedToAll)
        #expect(try answer([Self.unit], at: .input, "2001:db8:1::1").isClosedToAll)
        #expect(try answer([socket([1, Self.engine, 5])]).isClosedToAll)
    }

    @Test func `leaves sockets of other groups alone, and of those that are not as deep`() throws {
        #expect(try answer([socket([1, 12])]).isOpenToAll)
        #expect(try answer([socket([1])]).isOpenToAll)
        #expect(try answer([socket([1, 12, Self.engine])]).isOpenToAll)
        // Where the group is not to be compared, a rule that asks for another one ends as well.
        var other = Self.closed
        other[1] = .compare(0, operation: 1, Array(repeating: 0, count: 8))
        #expect(try answer([socket([1])], other).isOpenToAll)
        #expect(try answer([socket([1, 12])], other).isClosedToAll)
    }

    @Test func `goes by the socket that the packet is for`() throws {
        let ours = try socket([1, 12], at: "192.0.2.1")
        #expect(try answer([Self.unit, ours]).isOpenToAll)
        #expect(try answer([Self.unit, ours], at: .input, "192.0.2.2").isClosedToAll)
        #expect(try answer([Self.unit, socket([1, 12], port: 22)]).isClosedToAll)
        #expect(try answer([Self.unit, socket([1, 12], by: "docker0")]).isClosedToAll)
    }

    @Test func `is unknown where the socket is not, or its group, or which of two it is`() throws {
        #expect(try answer([]).isUnknownToAll)
        #expect(try answer([socket(nil)]).isUnknownToAll)
        #expect(try answer([Self.unit, socket([1, 12])]).isUnknownToAll)
        // Before NAT and the routing there may be another socket than the one that it comes to.
        #expect(try answer([Self.unit], at: .prerouting).isUnknownToAll)
    }
}
