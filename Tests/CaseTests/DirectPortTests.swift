import Addressing
import Compiler
import Docker
import MatrixSupport
import Nftables
import Policy
import Simulator
import Testing

@testable import TestSupport

@Suite struct `A container at its own address` {
    private static let networks = [
        Network(id: "rt", name: "rt", gatewayMode4: .routed, gatewayMode6: .routed),
        Network(id: "mac", name: "mac", driver: .macvlan),
    ]

    private func ruleset(_ keys: String, unlisted: String = "drop") throws -> LinearRuleset {
        let container = Docker.Container(
            id: "1", name: "api",
            attachments: [
                Docker.Attachment(network: "rt", ipv4: IPv4Address(0xac1c_0002)),
                Docker.Attachment(network: "mac", ipv4: IPv4Address(0xc000_0232)),
            ],
            publishedPorts: [PortRange(.tcp, 80...80), PortRange(.udp, 80...80)])
        let loaded = try ResolvedPolicy.reading(
            "version: 1\nunlisted: \(unlisted)\nservices:\n  api: { container: api, \(keys) }",
            against: Inventory(containers: [container], networks: Self.networks))
        return Compiler.compile(loaded).linearized()
    }

    private func fate(_ packet: Packet, _ ruleset: LinearRuleset) -> Trace.Fate {
        Simulation(ruleset).trace(packet).fate
    }

    private func packet(_ source: String, _ transport: TransportProtocol, through interface: String = "ext0") throws
        -> Packet
    {
        .routed(
            transport, from: Endpoint(try #require(IPAddress(source)), 40000),
            to: Endpoint(try #require(IPAddress("172.28.0.2")), 80), iifname: interface, oifname: "br-rt")
    }

    @Test(arguments: ["drop", "accept"]) func `is cut off over UDP with its client`(unlisted: String) throws {
        let ruleset = try ruleset("allow: 203.0.113.7", unlisted: unlisted)
        let (allowed, revoked) = (try packet("203.0.113.7", .udp), try packet("203.0.113.8", .udp))
        #expect(fate(allowed, ruleset) == .accept)
        #expect(fate(allowed.reply, ruleset) == .accept)
        #expect(fate(revoked, ruleset) == .drop)
        #expect(fate(revoked.reply, ruleset) == .drop)
    }

    /// The way back out of a service's chain leads past what closes the rest.
    @Test func `is closed through interfaces that its service is not reached by`() throws {
        let ruleset = try ruleset("interfaces: [ext0], allow: anyone")
        #expect(fate(try packet("203.0.113.7", .tcp), ruleset) == .accept)
        #expect(fate(try packet("203.0.113.7", .tcp, through: "ext1"), ruleset) == .drop)
        #expect(fate(try packet("203.0.113.7", .udp).reply, ruleset) == .accept)
    }

    @Test func `is no matter of the forward hook where it shares the host's interface`() throws {
        let maps = try ruleset("allow: anyone").sets.filter { $0.name.hasPrefix("direct-") }
        #expect(maps.map(\.elements.count) == [1, 1])
    }

    @Test func `is told of when its clients change`() throws {
        let change = try #require(
            Access(before: try ruleset("allow: 203.0.113.7"), after: try ruleset("allow: 203.0.113.8")).changes
                .first { $0.door.way == .container })
        #expect(change.door.address == .one(try #require(IPAddress("172.28.0.2"))))
        #expect(change.door.chain == "service-api")
        #expect(change.gained.v4.ranges == [0xcb00_7108...0xcb00_7108])
        #expect(change.lost.v4.ranges == [0xcb00_7107...0xcb00_7107])
    }
}
