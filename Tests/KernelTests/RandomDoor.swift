import Addressing
import Nftables
import Rehearsal
import Simulator

/// A way in, for whoever comes.
struct RandomDoor {
    var transport: TransportProtocol
    var destination: IPAddress
    var port: UInt16
    var interface: String
    private var model: Packet

    init(_ generator: inout SeededGenerator, ports: [UInt16] = Array(7999...8041)) {
        transport = TransportProtocol.allCases.randomElement(using: &generator) ?? .tcp
        (destination, interface) = RandomHost.destination(
            AddressFamily.allCases.randomElement(using: &generator) ?? .ipv4, &generator)
        port = ports.randomElement(using: &generator) ?? 8000
        model = RandomPacket(Self.kind(transport), from: destination, to: destination, port, by: interface).packet
    }

    private static func kind(_ transport: TransportProtocol) -> Shot.Kind {
        switch transport {
        case .tcp: .tcp
        case .udp: .udp
        case .sctp: .sctp
        }
    }

    func shot(from source: IPAddress) -> Shot {
        RandomPacket(Self.kind(transport), from: source, to: destination, port, by: interface).shot
    }

    func packet(from source: IPAddress) -> Packet {
        var packet = model
        packet.source = source
        if case .entry(var entry) = packet.conntrack {
            entry.source = source
            packet.conntrack = .entry(entry)
        }
        return packet
    }

    var approach: Approach {
        let family = destination.family
        let address = RandomHost.unnamed.contains(destination) ? nil : destination
        if RandomHost.onTheWire.contains(destination) {
            return .onTheWire(transport, port, on: destination, parent: interface)
        }
        guard let bridge = model.oifname else {
            return .delivered(family, transport, port, on: address, from: interface)
        }
        return model.destination == destination
            ? .direct(family, transport, port, on: destination, from: interface, to: bridge)
            : .forwarded(family, transport, port, on: address, from: interface, to: bridge)
    }
}
