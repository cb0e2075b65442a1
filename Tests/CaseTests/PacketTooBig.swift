import Addressing
import Glibc
import Nftables

@testable import TestSupport

/// What a router on the way sends back when a packet does not fit: RFC 1191's "fragmentation needed", RFC 8201's "packet too big".
struct PacketTooBig {
    /// The router.
    var source: String
    /// The UDP packet that did not fit, as the router saw it.
    var sender: (address: IPAddress, port: UInt16)
    var receiver: (address: IPAddress, port: UInt16)
    /// What would have fitted.
    static let mtu: UInt16 = 1280

    func send(from place: Place, of host: DockerHost) throws {
        let isIPv4 = sender.address.family == .ipv4
        let bytes = isIPv4 ? fragmentationNeeded : packetTooBig
        try host.namespace(of: place).enter {
            let destination = try SocketAddress(sender.address.description)
            let socket = try Socket(
                family: destination.family, type: SOCK_RAW, protocol: Int32(isIPv4 ? IPPROTO_ICMP : IPPROTO_ICMPV6))
            let errors = [socket.bind(to: try SocketAddress(source)), socket.send(bytes, to: destination)]
            for error in errors where error != 0 { throw BenchError("packet too big", errno: error) }
        }
    }

    private var fragmentationNeeded: [UInt8] {
        var message: [UInt8] = [3, 4, 0, 0, 0, 0] + Self.mtu.networkOrder
        let length = UInt16(20 + udpHeader.count)
        // Version and header length, type of service; don't fragment; time to live, UDP.
        var header: [UInt8] = [0x45, 0] + length.networkOrder + [0, 1, 0x40, 0, 63, 17, 0, 0]
        header += sender.address.bytes + receiver.address.bytes
        header.replaceSubrange(10..<12, with: internetChecksum(header).networkOrder)
        message += header + udpHeader
        message.replaceSubrange(2..<4, with: internetChecksum(message).networkOrder)
        return message
    }

    /// The kernel puts in the checksum.
    private var packetTooBig: [UInt8] {
        [2, 0, 0, 0] + UInt32(Self.mtu).networkOrder + [0x60, 0, 0, 0] + UInt16(udpHeader.count).networkOrder + [
            17, 63,
        ]
            + sender.address.bytes + receiver.address.bytes + udpHeader
    }

    private var udpHeader: [UInt8] { sender.port.networkOrder + receiver.port.networkOrder + [0, 8, 0, 0] }
}

extension IPAddress {
    fileprivate var bytes: [UInt8] {
        switch self {
        case .v4(let address): address.bits.networkOrder
        case .v6(let address): address.bits.networkOrder
        }
    }
}
