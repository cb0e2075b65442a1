import Addressing
import Nftables
import Samples
import Simulator
import Testing

@Suite("The sample's ruleset decides what it was written to decide")
struct SampleTests {
    let simulation = Simulation(Sample.ruleset.linearized())
    let container = Endpoint(v4(0xac11_0002), 8000)
    let office = Endpoint(v4(0xcb00_7105), 40000)
    let excepted = Endpoint(v4(0xcb00_7142), 40000)
    let stranger = Endpoint(v4(0x0102_0304), 40000)
    let host = v4(0xc000_0201)

    func arrival(
        _ client: Endpoint, _ port: UInt16, _ transport: TransportProtocol = .tcp, by interface: String = "eth0"
    ) -> Packet {
        .published(
            transport, from: client, to: Endpoint(host, port), container: container, iifname: interface,
            oifname: "docker0")
    }

    func fate(_ packet: Packet) -> Trace.Fate { simulation.trace(packet).fate }

    @Test("A published port lets in whom its policy names, by the interfaces that it names")
    func published() {
        #expect(fate(arrival(office, 8081)) == .accept)
        #expect(fate(arrival(office, 8081, by: "wg0")) == .accept)
        #expect(fate(arrival(office, 8081, by: "eth1")) == .reject(.tcpReset))
        #expect(fate(arrival(excepted, 8081)) == .reject(.tcpReset))
        #expect(fate(arrival(stranger, 8081)) == .reject(.tcpReset))
        #expect(fate(arrival(stranger, 53, .udp)) == .reject(.portUnreachable))
        #expect(fate(arrival(stranger, 80)) == .accept)
        #expect(fate(arrival(stranger, 8443)) == .accept)
        #expect(fate(arrival(stranger, 7005)) == .reject(.tcpReset))
        #expect(fate(arrival(office, 7005)) == .accept)
        #expect(fate(arrival(stranger, 9999)) == .reject(.tcpReset))
    }

    @Test("docker-proxy's way through input is judged by the same chains")
    func proxy() {
        func packet(_ client: Endpoint, _ port: UInt16, by interface: String = "eth0") -> Packet {
            .toHost(.tcp, from: client, to: Endpoint(host, port), iifname: interface)
        }
        #expect(fate(packet(office, 8081)) == .accept)
        #expect(fate(packet(stranger, 8081)) == .reject(.tcpReset))
        #expect(fate(packet(stranger, 8081, by: "lo")) == .accept)
        #expect(fate(packet(stranger, 8081).reply) == .accept)
        #expect(fate(packet(stranger, 22)) == .accept)
    }

    @Test("A revoked client's later packets are judged again; a container's answer to TCP is not")
    func established() {
        #expect(fate(arrival(stranger, 8081).midStream) == .reject(.tcpReset))
        #expect(fate(arrival(stranger, 8081).reply) == .accept)
        #expect(fate(arrival(stranger, 53, .udp).reply) == .drop)
        // The reply comes in by a container's interface, which is not among those that the service names.
        #expect(fate(arrival(office, 53, .udp).reply) == .drop)
        // A server that goes on sending after its entry is gone may not make a new one the other way round.
        #expect(fate(arrival(stranger, 8081).reply.pickedUp) == .drop)
    }

    @Test("Egress and traffic between containers are nobody's business here, a direct route from outside is refused")
    func routed() {
        let remote = Endpoint(v4(0x0808_0808), 443)
        #expect(fate(.routed(.tcp, from: container, to: remote, iifname: "docker0", oifname: "eth0")) == .accept)
        #expect(
            fate(
                .routed(.tcp, from: container, to: Endpoint(v4(0xac12_0002), 8081), iifname: "docker0", oifname: "br-1")
            )
                == .accept)
        #expect(
            fate(.routed(.tcp, from: stranger, to: container, iifname: "eth0", oifname: "docker0"))
                == .reject(.tcpReset))
        var loopback = arrival(office, 8081)
        loopback.conntrack = .entry(
            ConntrackEntry(
                state: .new, direction: .original, status: .dnat, source: office.address,
                destination: v4(0x7f00_0001), serviceDestination: 8081))
        #expect(fate(loopback) == .drop)
    }

    @Test("IPv6 is judged by its own sets")
    func ipv6() {
        let inside = Endpoint(v6(0x2001_0db8_0010 << 80 | 9), 40000)
        let outside = Endpoint(v6(0x2001_0db8_0011 << 80 | 9), 40000)
        let host = Endpoint(v6(0x2001_0db8_0001 << 80 | 1), 8081)
        let container = Endpoint(v6(0xfd00 << 112 | 2), 8000)
        for (client, expected) in [(inside, Trace.Fate.accept), (outside, .reject(.tcpReset))] {
            let packet = Packet.published(
                .tcp, from: client, to: host, container: container, iifname: "eth0", oifname: "docker0")
            #expect(fate(packet) == expected)
        }
    }

    @Test("A trace names the rules that led to the verdict")
    func trace() {
        let trace = simulation.trace(arrival(office, 8081))
        #expect(trace.lastRule?.comment == "office")
        #expect(
            trace.steps.map(\.chain) == Array(repeating: "forward", count: 6) + [
                "from-outside", "from-outside", "published", "published", "service-django",
            ])
    }

    @Test("Without an entry a packet to a published port is judged by the port that it goes to")
    func untracked() {
        var packet = arrival(stranger, 8081)
        packet.conntrack = .untracked
        packet.hook = .input
        packet.transport = .tcp(source: 40000, destination: 8081, flags: .syn)
        #expect(fate(packet) == .reject(.tcpReset))
        packet.transport = .tcp(source: 40000, destination: 8082, flags: .syn)
        #expect(fate(packet) == .accept)
    }
}
