import Addressing
import Compiler
import Docker
import MatrixSupport
import Nftables
import NftablesKernel
import Policy
import Reconcile
import Simulator
import TestSupport
import Testing

@Suite(.requiresPackets) struct `A container on the wire` {
    private static let policy = """
        version: 1
        services:
          web: { publish: 80, allow: [203.0.113.0/24, "2001:db8:10::/48"] }
        unlisted: UNLISTED
        """

    static func resolved(unlisted: String, allowing: String? = nil) throws -> ResolvedPolicy {
        var text = policy.replacing("UNLISTED", with: unlisted)
        if let allowing { text = text.replacing("203.0.113.0/24", with: allowing) }
        var policy = try ResolvedPolicy.reading(text)
        let v4 = IPv4Address(0xc000_0205)
        let v6 = IPv6Address(0x2001_0db8_0001 << 80 | 5)
        policy.inventory = Inventory(
            containers: [
                Docker.Container(
                    id: "c1", name: "web", attachments: [Docker.Attachment(network: "n1", ipv4: v4, ipv6: v6)])
            ],
            networks: [Network(id: "n1", name: "lan", driver: .macvlan, parent: try InterfaceName("ext0"))])
        policy.services[0].direct = [IPAddress.v4(v4), .v6(v6)].flatMap { address in
            [TransportProtocol.tcp, .udp].map { DirectPort(address: address, range: PortRange($0, 80...80)) }
        }
        return policy
    }

    func with(_ body: (DockerHost, NetworkNamespace) throws -> Void) throws {
        try DockerHost.with(.iptables28, [TestSupport.Container("django", publish: ["8081:80"])]) { host in
            try host.withMacvlan("192.0.2.5", "2001:db8:1::5") { wire in
                for port in [80, 81, 53] as [UInt16] { try host.serve("wire", at: .namespace(wire), on: port) }
                try body(host, wire)
            }
        }
    }

    func apply(_ policy: ResolvedPolicy, to host: DockerHost) throws {
        var connection = try KernelConnection(namespace: host.namespace.path)
        let desired = Compiler.compile(policy).linearized()
        _ = try connection.apply(desired)
        #expect(try connection.apply(desired).isEmpty, "the table comes back from the kernel as it went")
    }

    private static let open = Outcome.answered(by: "wire")

    @Test func `is open to all before there are rules`() throws {
        try with { host, _ in
            try host.expect([
                Probe(from: "192.0.2.66", to: "192.0.2.5:80", expect: Self.open),
                Probe(.udp, from: "192.0.2.66", to: "192.0.2.5:81", expect: Self.open),
                Probe(from: "2001:db8:1::66", to: "[2001:db8:1::5]:81", expect: Self.open),
            ])
        }
    }

    @Test(arguments: ["drop", "reject"])
    func `is reached by those whom a service allows, at that service's ports`(unlisted: String) throws {
        try with { host, _ in
            try apply(Self.resolved(unlisted: unlisted), to: host)
            var probes: [Probe] = []
            for kind in [Probe.Kind.tcp, .udp] {
                probes += [
                    Probe(kind, from: "203.0.113.7", to: "192.0.2.5:80", expect: Self.open),
                    Probe(kind, from: "2001:db8:10::7", to: "[2001:db8:1::5]:80", expect: Self.open),
                    Probe(kind, from: "192.0.2.66", to: "192.0.2.5:80", expect: .silent),
                    Probe(kind, from: "2001:db8:1::66", to: "[2001:db8:1::5]:80", expect: .silent),
                    Probe(kind, from: "203.0.113.7", to: "192.0.2.5:81", expect: .silent),
                    Probe(kind, from: "2001:db8:10::7", to: "[2001:db8:1::5]:81", expect: .silent),
                ]
            }
            probes += [
                Probe(.strayAck, from: "192.0.2.66", to: "192.0.2.5:80", expect: .silent),
                Probe(.strayAck, from: "203.0.113.7", to: "192.0.2.5:80", expect: .refused),
            ]
            try host.expect(probes)
        }
    }

    @Test func `is left open elsewhere where unlisted ports are`() throws {
        try with { host, _ in
            try apply(Self.resolved(unlisted: "accept"), to: host)
            try host.expect([
                Probe(from: "192.0.2.66", to: "192.0.2.5:81", expect: Self.open),
                Probe(.udp, from: "192.0.2.66", to: "192.0.2.5:53", expect: Self.open),
                Probe(from: "192.0.2.66", to: "192.0.2.5:80", expect: .silent),
            ])
        }
    }

    @Test func `asks others as before, and takes nothing from the host and its bridges`() throws {
        try with { host, wire in
            try host.serve("remote", at: .client, on: 5353)
            try host.serve("sshd", at: .host, on: 22)
            try apply(Self.resolved(unlisted: "drop"), to: host)
            let answered = Outcome.answered(by: "remote")
            var probes: [Probe] = []
            for kind in [Probe.Kind.tcp, .udp] {
                probes += [
                    Probe(kind, from: "192.0.2.5", to: "192.0.2.10:5353", at: .namespace(wire), expect: answered),
                    Probe(
                        kind, from: "2001:db8:1::5", to: "[2001:db8:1::10]:5353", at: .namespace(wire),
                        expect: answered),
                    Probe(kind, from: "192.0.2.1", to: "192.0.2.10:5353", at: .host, expect: answered),
                ]
            }
            probes.append(Probe(from: "192.0.2.66", to: "192.0.2.1:22", expect: .answered(by: "sshd")))
            try host.expect(probes)
        }
    }

    @Test func `loses a client at once who is taken off the list`() throws {
        try with { host, _ in
            try apply(Self.resolved(unlisted: "drop"), to: host)
            let stream = try host.stream(from: "203.0.113.7", to: "192.0.2.5:80")
            try apply(Self.resolved(unlisted: "drop", allowing: "198.51.100.0/24"), to: host)
            #expect(stream.flow().toServer == 0)
        }
    }

    @Test func `is not guarded behind an interface that is none of the outside`() throws {
        var policy = try Self.resolved(unlisted: "drop")
        policy.interfaces.external = .listed([try InterfaceName("ext1")])
        #expect(!Compiler.compile(policy).chains.contains { $0.base?.hook.device != nil })
        #expect(
            Compiler.uncovered(by: policy) == [
                UncoveredNetwork(name: "lan", reason: .parentIsNotExternal(try InterfaceName("ext0")))
            ])
        #expect(Compiler.uncovered(by: try Self.resolved(unlisted: "drop")).isEmpty)
    }

    /// What no client of the bench sends: later fragments, headers cut short, protocols without ports.
    @Test func `gets what opens nothing, and nothing else, in the simulator`() throws {
        let simulation = Simulation(Compiler.compile(try Self.resolved(unlisted: "drop")).linearized())
        let container = IPAddress.v4(IPv4Address(0xc000_0205))
        func fate(_ header: TransportHeader, from source: UInt32 = 0xc000_0242, to: IPAddress = container) -> Trace.Fate
        {
            var packet = Packet.onTheWire(
                .tcp, from: Endpoint(.v4(IPv4Address(source)), 40000), to: Endpoint(to, 80), parent: "ext0")
            packet.transport = header
            return simulation.trace(packet).fate
        }
        #expect(fate(.tcp(source: 1, destination: 80, flags: .ack), from: 0xcb00_7107) == .accept)
        #expect(fate(.tcp(source: 1, destination: 80, flags: .ack)) == .drop)
        #expect(fate(.tcp(source: 1, destination: 40000, flags: .syn)) == .drop)
        #expect(fate(.tcp(source: 1, destination: 40000, flags: [.syn, .psh])) == .drop)
        #expect(fate(.tcp(source: 1, destination: 40000, flags: [.syn, .ack])) == .accept)
        #expect(fate(.udp(source: 53, destination: 32767)) == .drop)
        #expect(fate(.udp(source: 53, destination: 32768)) == .accept)
        #expect(fate(.sctp(source: 1, destination: 3868)) == .drop)
        #expect(fate(.fragment(l4proto: 6)) == .accept)
        #expect(fate(.icmp(type: 8, code: 0)) == .accept)
        #expect(fate(.fragment(l4proto: 132)) == .accept)
        #expect(fate(.other(l4proto: 47)) == .drop)
        #expect(fate(.other(l4proto: 47), to: .v4(IPv4Address(0xc000_0201))) == .accept)
    }
}
