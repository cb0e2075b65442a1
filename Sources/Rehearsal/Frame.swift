internal import Addressing
internal import Nftables

/// Six bytes that say which end of which wire.
typealias HardwareAddress = [UInt8]

/// Frames of Ethernet, whole, with every checksum.
///
/// What identifies a shot, its mark, lies where every answer brings it back, also through NAT: a sequence number, an identifier, or the
/// first bytes of what a datagram carries.
enum Frame {
    static let headerLength = 14
    static let ipv4: UInt16 = 0x0800
    static let ipv6: UInt16 = 0x86dd
    static let arp: UInt16 = 0x0806

    /// What is in a packet, behind its IP header.
    struct Content {
        var l4proto: L4Protocol
        var bytes: [UInt8]
    }

    static func frame(
        _ packet: [UInt8], of family: AddressFamily, from sender: HardwareAddress, to next: HardwareAddress
    ) -> [UInt8] {
        next + sender + (family == .ipv4 ? ipv4 : ipv6).networkOrder + packet
    }

    static func packet(from source: IPAddress, to destination: IPAddress, _ content: Content) -> [UInt8] {
        var bytes: [UInt8]
        switch source.family {
        case .ipv4:
            bytes = [0x45, 0] + UInt16(20 + content.bytes.count).networkOrder
            // No identifier, and not to be taken apart.
            bytes += [0, 0, 0x40, 0, 64, content.l4proto.rawValue, 0, 0]
            bytes += source.networkOrder + destination.networkOrder
            bytes.replaceSubrange(10..<12, with: Checksum(bytes[...]).value.networkOrder)
        case .ipv6:
            bytes = [0x60, 0, 0, 0] + UInt16(content.bytes.count).networkOrder + [content.l4proto.rawValue, 64]
            bytes += source.networkOrder + destination.networkOrder
        }
        return bytes + content.bytes
    }

    // MARK: What is sent

    static func tcp(
        from source: IPAddress, _ sourcePort: UInt16, to destination: IPAddress, _ port: UInt16, sequence: UInt32,
        acknowledges: UInt32, _ flags: TCPFlags, payload: [UInt8] = []
    ) -> Content {
        var bytes = sourcePort.networkOrder + port.networkOrder + sequence.networkOrder + acknowledges.networkOrder
        bytes += [5 << 4, flags.rawValue, 0x20, 0, 0, 0, 0, 0] + payload
        seal(&bytes, at: 16, .tcp, source, destination)
        return Content(l4proto: .tcp, bytes: bytes)
    }

    static func udp(
        from source: IPAddress, _ sourcePort: UInt16, to destination: IPAddress, _ port: UInt16, mark: UInt32
    ) -> Content {
        let payload = mark.networkOrder
        var bytes = sourcePort.networkOrder + port.networkOrder + UInt16(8 + payload.count).networkOrder + [0, 0]
        bytes += payload
        seal(&bytes, at: 6, .udp, source, destination)
        return Content(l4proto: .udp, bytes: bytes)
    }

    enum Echo { case request, reply }

    /// Its mark is the identifier and the sequence number.
    static func ping(_ echo: Echo, from source: IPAddress, to destination: IPAddress, mark: UInt32) -> Content {
        switch source.family {
        case .ipv4:
            var bytes: [UInt8] = [echo == .request ? 8 : 0, 0, 0, 0] + mark.networkOrder
            let sum = Checksum(bytes[...]).value
            bytes.replaceSubrange(2..<4, with: sum.networkOrder)
            return Content(l4proto: .icmp, bytes: bytes)
        case .ipv6:
            var bytes: [UInt8] = [echo == .request ? 128 : 129, 0, 0, 0] + mark.networkOrder
            seal(&bytes, at: 2, .icmpv6, source, destination)
            return Content(l4proto: .icmpv6, bytes: bytes)
        }
    }

    enum Association { case request, answer }

    /// INIT, and INIT ACK; the mark is the tag.
    static func sctp(_ step: Association, _ sourcePort: UInt16, to port: UInt16, mark: UInt32) -> Content {
        let ports = sourcePort.networkOrder + port.networkOrder
        var bytes: [UInt8]
        switch step {
        case .request:
            bytes = ports + [0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 20] + mark.networkOrder
            bytes += [0, 1, 0, 0, 0, 1, 0, 1, 0, 0, 0, 1]
        case .answer:
            bytes = ports + mark.networkOrder + [0, 0, 0, 0, 2, 0, 0, 28] + mark.networkOrder
            // An answer carries a cookie.
            bytes += [0, 1, 0, 0, 0, 1, 0, 1, 0, 0, 0, 1, 0, 7, 0, 8] + mark.networkOrder
        }
        let sum = Checksum.crc32c(bytes)
        for index in 0..<4 { bytes[8 + index] = UInt8(truncatingIfNeeded: sum >> (8 * UInt32(index))) }
        return Content(l4proto: .sctp, bytes: bytes)
    }

    /// Who has this address?
    static func addressRequest(
        for wanted: IPv4Address, from address: IPv4Address, at sender: HardwareAddress
    ) -> [UInt8] {
        var bytes = HardwareAddress(repeating: 0xff, count: 6) + sender + arp.networkOrder
        bytes += [0, 1, 8, 0, 6, 4, 0, 1]
        bytes += sender + address.bits.networkOrder
        bytes += HardwareAddress(repeating: 0, count: 6) + wanted.bits.networkOrder
        return bytes
    }

    /// Says nothing, and tells a bridge where its sender is.
    static func presence(of sender: HardwareAddress, to next: HardwareAddress) -> [UInt8] {
        // A type for experiments (IEEE 802).
        next + sender + [0x88, 0xb5] + [UInt8](repeating: 0, count: 46)
    }

    /// The checksum over the addresses as well.
    private static func seal(
        _ bytes: inout [UInt8], at place: Int, _ l4proto: L4Protocol, _ source: IPAddress, _ destination: IPAddress
    ) {
        var sum = Checksum(bytes[...])
        sum.add(source.networkOrder[...])
        sum.add(destination.networkOrder[...])
        sum.add(UInt16(l4proto.rawValue))
        sum.add(UInt16(bytes.count))
        // For UDP 0 means that there is none.
        let value = sum.value == 0 ? 0xffff : sum.value
        bytes[place] = UInt8(value >> 8)
        bytes[place + 1] = UInt8(value & 0xff)
    }
}

struct Checksum {
    private var sum: UInt64 = 0

    init(_ bytes: ArraySlice<UInt8>) { add(bytes) }

    mutating func add(_ bytes: ArraySlice<UInt8>) {
        var isHigh = true
        for byte in bytes {
            sum &+= isHigh ? UInt64(byte) << 8 : UInt64(byte)
            isHigh.toggle()
        }
    }

    mutating func add(_ number: UInt16) { sum &+= UInt64(number) }

    /// RFC 1071.
    var value: UInt16 {
        var folded = sum
        while folded > 0xffff { folded = folded & 0xffff &+ folded >> 16 }
        return ~UInt16(folded)
    }

    /// RFC 9260, appendix A.
    static func crc32c(_ bytes: [UInt8]) -> UInt32 {
        var register: UInt32 = .max
        for byte in bytes {
            register ^= UInt32(byte)
            for _ in 0..<8 { register = register >> 1 ^ (register & 1 == 1 ? 0x82f6_3b78 : 0) }
        }
        return ~register
    }
}

extension IPAddress {
    var networkOrder: [UInt8] {
        switch self {
        case .v4(let address): address.bits.networkOrder
        case .v6(let address): address.bits.networkOrder
        }
    }
}
