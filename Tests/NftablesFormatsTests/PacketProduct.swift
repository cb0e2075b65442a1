import Addressing
import Nftables
import Simulator

/// Many packets, made of all that rules may tell apart.
enum PacketProduct {
    static func v4(_ bits: UInt32) -> IPAddress { .v4(IPv4Address(bits)) }
    static func v6(_ bits: UInt128) -> IPAddress { .v6(IPv6Address(bits)) }

    static let sources: [IPAddress] = [
        v4(0xcb00_7105), v4(0xcb00_7142), v4(0x0102_0304), v4(0xac1f_ffff), v4(0xc633_6410),
        v6(0x2001_0db8_0010 << 80 | 9), v6(0xfe80 << 112 | 0xff), v6(1), v6(0x2002 << 112),
    ]
    static let interfaces: [(String?, String?)] = [
        ("eth0", "docker0"), ("docker0", "eth0"), ("br-1", "docker0"), ("wg0", "br-1"), ("eth1", "eth2"),
    ]
    static let ports: [UInt16] = [80, 8081, 7005, 8443, 53, 9999, 0x0800]

    static func transports(_ family: AddressFamily, _ port: UInt16) -> [TransportHeader] {
        [
            .tcp(source: 40000, destination: port, flags: .syn), .tcp(source: port, destination: 443, flags: .ack),
            .tcp(source: 1, destination: 2, flags: [.psh, .urg]), .udp(source: 67, destination: 68),
            .udp(source: 547, destination: 546), .udp(source: 80, destination: port),
            .sctp(source: 80, destination: port),
        ]
            + (family == .ipv4 ? [0, 8, 133] : [1, 128, 133, 136]).map {
                family == .ipv4 ? .icmp(type: $0, code: 0) : .icmpv6(type: $0, code: 0)
            } + [.other(l4proto: 47), .other(l4proto: 4)]
    }

    static func views(_ source: IPAddress, _ dialled: IPAddress, _ port: UInt16) -> [ConntrackView] {
        let states: [(ConntrackEntry.State, Direction, ConntrackFlags.Status)] = [
            (.new, .original, .dnat), (.new, .original, []), (.established, .original, .dnat),
            (.established, .reply, [.dnat, .snat]), (.established, .reply, []), (.related, .reply, .snat),
            (.related, .original, []),
        ]
        return states.map { state, direction, status in
            .entry(
                ConntrackEntry(
                    state: state, direction: direction, status: status, source: source, destination: dialled,
                    serviceDestination: port))
        } + [.invalid, .untracked]
    }

    static func packets(hook: BaseChain.Hook) -> [Packet] {
        var packets: [Packet] = []
        for source in sources {
            let dialled: [IPAddress] =
                source.family == .ipv4
                ? [v4(0xc000_0201), v4(0x7f00_0001), v4(0x0102_0304)] : [v6(3), v6(0xfe80 << 112)]
            for (iifname, oifname) in interfaces {
                for (number, port) in ports.enumerated() {
                    for transport in transports(source.family, port) {
                        let destination = dialled[number % dialled.count]
                        for view in views(source, destination, port) {
                            packets.append(
                                Packet(
                                    hook: hook, iifname: hook == .output ? nil : iifname,
                                    oifname: hook == .input ? nil : oifname, source: source,
                                    destination: destination, transport: transport, conntrack: view))
                        }
                    }
                }
            }
        }
        return packets
    }
}
