import Addressing
import Nftables
import NftablesKernel
import Policy
import Rehearsal
import Simulator
import TestSupport

/// A host with everything that the random policies speak of.
///
/// Ports 8000 to 8009 of the host lead into docker0 by DNAT, 8010 to 8014 to another bridge, and at all behind them somebody listens.
enum RandomHost {
    static let interfaces = ["ext0", "ext1", "wg0", "eth9"]
    /// In no policy, so that it is one of the host's that no rule names.
    static let unnamed: [IPAddress] = ["192.0.2.250", "2001:db8:1::250"].compactMap { IPAddress($0) }
    static let addresses: [IPAddress] =
        ["192.0.2.1", "198.51.100.1", "2001:db8:1::1"].compactMap { IPAddress($0) } + unnamed
    static let bridges = ["docker0", "docker0", "br-app"]
    /// The last is where the other bridge's ports lead.
    static let containers: [[IPAddress]] = [
        ["172.28.0.2", "2001:db8:7::2"], ["172.28.0.3", "2001:db8:7::3"], ["172.29.0.2", "2001:db8:8::2"],
    ].map { $0.compactMap { IPAddress($0) } }
    /// Of a container that shares the wire of ext1.
    static let onTheWire: [IPAddress] = ["198.51.100.7", "2001:db8:2::7"].compactMap { IPAddress($0) }
    static let wire = (parent: "ext1", addresses: onTheWire)
    static let listening: ClosedRange<UInt16> = 8015...8040

    /// Somewhere, and an interface by which to get there.
    static func destination(
        _ family: AddressFamily, _ generator: inout SeededGenerator
    ) -> (address: IPAddress, interface: String) {
        let places = [addresses, addresses, addresses, addresses, containers.flatMap(\.self), onTheWire]
        let place = (places.randomElement(using: &generator) ?? addresses).filter { $0.family == family }
        let address = place.randomElement(using: &generator) ?? addresses[0]
        let interface = interfaces.randomElement(using: &generator) ?? "ext0"
        return (address, onTheWire.contains(address) ? wire.parent : interface)
    }

    static func setting() throws -> StageSetting {
        func subnet(_ gateway: String, _ length: Int) -> StageSetting.Bridge.Subnet? {
            IPAddress(gateway).map { StageSetting.Bridge.Subnet(gateway: $0, prefixLength: length) }
        }
        return StageSetting(
            interfaces: interfaces.map { name in
                StageSetting.Interface(name, name == "ext0" ? addresses : [])
            },
            bridges: [
                StageSetting.Bridge(
                    "docker0", [subnet("172.28.0.1", 16), subnet("2001:db8:7::1", 64)].compactMap(\.self)),
                StageSetting.Bridge(
                    "br-app", [subnet("172.29.0.1", 16), subnet("2001:db8:8::1", 64)].compactMap(\.self)),
            ],
            containers: zip(bridges, containers).map { StageSetting.Container(on: $0, $1) }
                + [StageSetting.Container(on: wire.parent, onTheWire)],
            listeners: [PortRange(.tcp, listening), PortRange(.udp, listening)])
    }

    /// As Docker's rules do it, for all of the host's addresses.
    static func translation() -> String {
        AddressFamily.allCases.map { family in
            let rules = TransportProtocol.allCases.map { transport in
                let bracketed = { (index: Int) in
                    let address = containers[index].first { $0.family == family }.map { "\($0)" } ?? ""
                    return family == .ipv4 ? address : "[\(address)]"
                }
                return """
                    fib daddr type local \(transport) dport 8000-8009 dnat to \(bracketed(0)):80
                    fib daddr type local \(transport) dport 8010-8014 dnat to \(bracketed(2)):80

                    """
            }
            return """
                table \(family == .ipv4 ? "ip" : "ip6") published {
                    chain prerouting {
                        type nat hook prerouting priority dstnat; policy accept;
                        \(rules.joined())
                    }
                }

                """
        }.joined()
    }
}

/// A packet, as the stage sends it and as our hooks see it.
struct RandomPacket {
    var shot: Shot
    var packet: Packet

    /// What is to be seen of it outside, if the simulator is right: about the packet, and about what is answered.
    func expected(by simulation: Simulation) -> Fate? {
        switch simulation.trace(packet).fate {
        case .unknown: return nil
        case .drop: return .silent
        case .reject: return .refused
        case .accept: break
        }
        // What it sends back passes no hook that we are at.
        if isOnTheWire { return .answered(by: .container(RandomHost.containers.count)) }
        switch simulation.trace(packet.reply).fate {
        case .unknown, .reject: return nil
        case .drop: return .silent
        case .accept: return answer
        }
    }

    /// From a container, or from the host, to a client. A stray segment comes from where a server may be.
    init(
        _ kind: Shot.Kind, outward origin: Shot.Origin, from sourcePort: UInt16?, to client: IPAddress, _ port: UInt16
    ) {
        let transport: TransportProtocol =
            switch kind {
            case .tcp, .strayAck, .ping: .tcp
            case .udp: .udp
            case .sctp: .sctp
            }
        let dialled = Endpoint(client, port)
        let own = { (addresses: [IPAddress]) in
            Endpoint(addresses.first { $0.family == client.family } ?? client, sourcePort ?? Self.clientPort)
        }
        let source: Endpoint
        switch origin {
        case .container(let container):
            source = own(RandomHost.containers[container])
            packet = .routed(
                transport, from: source, to: dialled, iifname: RandomHost.bridges[container],
                oifname: RandomHost.interfaces[0])
        case .host, .interface:
            source = own(RandomHost.addresses)
            packet = .fromHost(transport, from: source, to: dialled, oifname: RandomHost.interfaces[0])
        }
        shot = Shot(kind, from: source.address, to: client, port: port, by: origin, sourcePort: sourcePort)
        forgetConnection(kind)
    }

    private static let clientPort: UInt16 = 40000

    private var isOnTheWire: Bool { RandomHost.onTheWire.contains(packet.destination) }

    private var answer: Fate {
        guard case .interface = shot.origin else { return .answered(by: .outside) }
        if let container = RandomHost.containers.firstIndex(where: { $0.contains(packet.destination) }) {
            return .answered(by: .container(container))
        }
        // The host's kernel knows no such connection, and speaks no SCTP.
        return [.strayAck, .sctp].contains(shot.kind) ? .refused : .answered(by: .host)
    }

    init(_ kind: Shot.Kind, from source: IPAddress, to destination: IPAddress, _ port: UInt16, by interface: String) {
        shot = Shot(kind, from: source, to: destination, port: port, by: .interface(interface))
        let client = Endpoint(source, Self.clientPort)
        let dialled = Endpoint(destination, port)
        let transport: TransportProtocol
        switch kind {
        case .ping:
            packet = Self.ping(from: source, to: destination, interface)
            return
        case .tcp, .strayAck: transport = .tcp
        case .udp: transport = .udp
        case .sctp: transport = .sctp
        }
        if RandomHost.onTheWire.contains(destination) {
            packet = .onTheWire(transport, from: client, to: dialled, parent: RandomHost.wire.parent)
            forgetConnection(kind)
            return
        }
        let target = port < 8010 ? 0 : 2
        if let container = RandomHost.containers.firstIndex(where: { $0.contains(destination) }) {
            packet = .routed(
                transport, from: client, to: dialled, iifname: interface, oifname: RandomHost.bridges[container])
        } else if 8000...8014 ~= port,
            let own = RandomHost.containers[target].first(where: { $0.family == destination.family })
        {
            packet = .published(
                transport, from: client, to: dialled, container: Endpoint(own, 80), iifname: interface,
                oifname: RandomHost.bridges[target])
        } else {
            packet = .toHost(transport, from: client, to: dialled, iifname: interface)
        }
        forgetConnection(kind)
    }

    /// Conntrack takes a stray segment for the first of a connection, and has it translated as one.
    private mutating func forgetConnection(_ kind: Shot.Kind) {
        if kind == .strayAck, case .tcp(let source, let destination, _) = packet.transport {
            packet.transport = .tcp(source: source, destination: destination, flags: .ack)
        }
    }

    private static func ping(from source: IPAddress, to destination: IPAddress, _ interface: String) -> Packet {
        let container = RandomHost.containers.firstIndex { $0.contains(destination) }
        let type: UInt8 = source.family == .ipv4 ? 8 : 128
        if RandomHost.onTheWire.contains(destination) {
            let client = Endpoint(source, 0)
            var packet = Packet.onTheWire(
                .tcp, from: client, to: Endpoint(destination, 0), parent: RandomHost.wire.parent)
            packet.transport = source.family == .ipv4 ? .icmp(type: type, code: 0) : .icmpv6(type: type, code: 0)
            return packet
        }
        return Packet(
            hook: container == nil ? .input : .forward, iifname: interface,
            oifname: container.map { RandomHost.bridges[$0] }, source: source, destination: destination,
            transport: source.family == .ipv4 ? .icmp(type: type, code: 0) : .icmpv6(type: type, code: 0),
            conntrack: .entry(
                ConntrackEntry(
                    state: .new, direction: .original, status: [], source: source, destination: destination,
                    serviceDestination: UInt16(type) << 8)))
    }
}

/// Packets for one policy: from within, from beside and from far away of every range that it speaks of.
struct RandomPackets {
    private let v4: [UInt32]
    private let v6: [UInt128]
    /// Sources that no packet can have, and that were drawn again.
    private(set) var unsendable = 0

    init(_ ruleset: LinearRuleset) {
        var v4: Set<UInt32> = []
        var v6: Set<UInt128> = []
        for set in ruleset.sets {
            switch set.elements {
            case .ipv4(let addresses): for range in addresses.ranges { v4.formUnion(range.edges) }
            case .ipv6(let addresses): for range in addresses.ranges { v6.formUnion(range.edges) }
            case .keyed: break
            }
        }
        self.v4 = v4.sorted()
        self.v6 = v6.sorted()
    }

    mutating func next(
        _ generator: inout SeededGenerator, where canSend: (IPAddress) -> Bool
    ) -> RandomPacket {
        let family = AddressFamily.allCases.randomElement(using: &generator) ?? .ipv4
        var source = source(family, &generator)
        while !canSend(source) {
            unsendable += 1
            source = self.source(family, &generator)
        }
        let kinds: [Shot.Kind] = [.tcp, .tcp, .tcp, .udp, .udp, .sctp, .ping, .strayAck]
        if Int.random(in: 0..<10, using: &generator) == 0 {
            let origins = RandomHost.containers.indices.map { Shot.Origin.container($0) } + [.host]
            let kind = [Shot.Kind.tcp, .udp, .sctp, .strayAck].randomElement(using: &generator) ?? .tcp
            let port = UInt16.random(in: 8000...RandomHost.listening.upperBound, using: &generator)
            let other = UInt16.random(in: 8000...RandomHost.listening.upperBound, using: &generator)
            return RandomPacket(
                kind, outward: origins.randomElement(using: &generator) ?? .host,
                from: kind == .strayAck ? other : nil, to: source, port)
        }
        let target = RandomHost.destination(family, &generator)
        return RandomPacket(
            kinds.randomElement(using: &generator) ?? .tcp, from: source,
            to: target.address, UInt16.random(in: 8000...RandomHost.listening.upperBound, using: &generator),
            by: target.interface)
    }

    private func source(_ family: AddressFamily, _ generator: inout SeededGenerator) -> IPAddress {
        let isNamed = Int.random(in: 0..<4, using: &generator) > 0
        switch family {
        case .ipv4:
            let named = isNamed ? v4.randomElement(using: &generator) : nil
            return .v4(IPv4Address(named ?? 0xcb00_7100 + UInt32.random(in: 0...255, using: &generator)))
        case .ipv6:
            let named = isNamed ? v6.randomElement(using: &generator) : nil
            let random = UInt128(UInt64.random(in: 0...UInt64.max, using: &generator))
            return .v6(IPv6Address(named ?? 0x2001_0db8 << 96 + random))
        }
    }
}

extension ClosedRange where Bound: AddressBits {
    /// The first and the last, and those beside them.
    var edges: [Bound] {
        var edges = [lowerBound, upperBound]
        if lowerBound > .min { edges.append(lowerBound - 1) }
        if upperBound < .max { edges.append(upperBound + 1) }
        return edges
    }
}
