import Addressing
import Nftables
import Simulator

@testable import TestSupport

/// A packet case as our hooks see it.
struct SimulatedPacket {
    var packet: Packet
    /// How it comes to where it goes, in words.
    var way: String
}

extension Case {
    /// What the rules do with a packet from outside; nil for one that comes from inside.
    func simulated(_ packet: PacketCase, on engine: DockerEngine = .iptables28) throws -> SimulatedPacket? {
        guard case .outside(let source) = packet.source else { return nil }
        guard let source = IPAddress(source), let destination = IPAddress(packet.destination) else {
            throw BenchError("\(packet): not addresses")
        }
        let interface = packet.place == .client ? "ext0" : "ext1"
        let client = Endpoint(source, Self.clientPort)
        let dialled = Endpoint(destination, packet.port)
        let transport: TransportProtocol
        switch packet.kind {
        case .ping: return Self.ping(from: source, to: destination, interface)
        case .tcp: transport = .tcp
        case .udp: transport = .udp
        case .strayAck, .sctp: throw BenchError("\(packet): not in packets.txt")
        }
        let family = destination.family
        for container in inventory.macvlan ?? []
        where [container.address4, container.address6].contains(packet.destination) {
            return SimulatedPacket(
                packet: .onTheWire(transport, from: client, to: dialled, parent: interface),
                way: "ingress, \(interface), to a container on the wire")
        }
        for attachment in try DockerHost.attach(inventory.benchContainers()) {
            guard let own = attachment.address(family).flatMap(IPAddress.init) else { continue }
            let bridge = attachment.bridge.name
            if own == destination {
                return SimulatedPacket(
                    packet: .routed(transport, from: client, to: dialled, iifname: interface, oifname: bridge),
                    way: "forward, \(interface) to \(bridge), a direct route")
            }
            let publication = attachment.publications.first {
                $0.transport == transport && $0.hostPort == packet.port && $0.applies(to: family)
                    && ($0.pinnedAddress ?? packet.destination) == packet.destination
            }
            guard let publication, family == .ipv4 || engine.translatesIPv6 else { continue }
            let container = Endpoint(own, publication.containerPort)
            return SimulatedPacket(
                packet: .published(
                    transport, from: client, to: dialled, container: container, iifname: interface, oifname: bridge),
                way: "forward, \(interface) to \(bridge), DNAT to \(attachment.endpoint(family, container.port))")
        }
        return SimulatedPacket(
            packet: .toHost(transport, from: client, to: dialled, iifname: interface), way: "input, \(interface)")
    }

    private static let clientPort: UInt16 = 40000

    private static func ping(from source: IPAddress, to destination: IPAddress, _ interface: String) -> SimulatedPacket
    {
        let type: UInt8 = destination.family == .ipv4 ? 8 : 128
        return SimulatedPacket(
            packet: Packet(
                hook: .input, iifname: interface, oifname: nil, source: source, destination: destination,
                transport: destination.family == .ipv4 ? .icmp(type: type, code: 0) : .icmpv6(type: type, code: 0),
                conntrack: .entry(
                    ConntrackEntry(
                        state: .new, direction: .original, status: [], source: source, destination: destination,
                        serviceDestination: UInt16(type) << 8))),
            way: "input, \(interface)")
    }
}

extension Trace.Fate {
    /// Whether a packet case may end so.
    func allows(_ fate: PacketCase.Fate) -> Bool {
        switch self {
        case .accept: fate.isLetIn
        case .drop: fate == .silent
        case .reject: fate == .refused
        case .unknown: false
        }
    }
}
