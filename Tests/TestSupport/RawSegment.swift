import Glibc

/// The one segment of a raw probe, with its checksum.
struct RawSegment {
    let bytes: [UInt8]
    let number: Int32

    /// A TCP segment with ACK alone, as from the middle of a connection that nobody here has seen begin.
    static func strayAck(
        from source: SocketAddress, _ sourcePort: UInt16, to destination: SocketAddress, _ port: UInt16
    ) -> Self {
        var segment: [UInt8] = []
        segment.append(sourcePort)
        segment.append(port)
        segment += [0x10, 0x20, 0x30, 0x40, 0x50, 0x60, 0x70, 0x80]
        segment += [5 << 4, 0x10, 0x20, 0x00, 0, 0, 0, 0]
        var covered = source.hostBytes + destination.hostBytes
        covered += [0, UInt8(IPPROTO_TCP), 0, UInt8(segment.count)] + segment
        let sum = internetChecksum(covered)
        segment[16] = UInt8(sum >> 8)
        segment[17] = UInt8(sum & 0xff)
        return Self(bytes: segment, number: Int32(IPPROTO_TCP))
    }

    /// An SCTP INIT with one stream each way.
    static func sctpInit(_ sourcePort: UInt16, to port: UInt16) -> Self {
        var segment: [UInt8] = []
        segment.append(sourcePort)
        segment.append(port)
        segment += [0, 0, 0, 0, 0, 0, 0, 0]
        segment += [1, 0, 0, 20, 0x12, 0x34, 0x56, 0x78, 0, 1, 0, 0, 0, 1, 0, 1, 0, 0, 0, 1]
        let sum = crc32c(segment)
        for index in 0..<4 { segment[8 + index] = UInt8(truncatingIfNeeded: sum >> (8 * UInt32(index))) }
        return Self(bytes: segment, number: Int32(IPPROTO_SCTP))
    }
}

extension [UInt8] {
    /// In network order.
    fileprivate mutating func append(_ value: UInt16) { self += [UInt8(value >> 8), UInt8(value & 0xff)] }
}

extension SocketAddress {
    fileprivate var hostBytes: [UInt8] {
        let (start, count) = family == AF_INET ? (4, 4) : (8, 16)
        return unsafe withUnsafeBytes(of: storage) { unsafe Array($0[start..<start + count]) }
    }
}

func internetChecksum(_ bytes: [UInt8]) -> UInt16 {
    var sum: UInt32 = 0
    for index in stride(from: 0, to: bytes.count, by: 2) {
        sum += UInt32(bytes[index]) << 8 | UInt32(index + 1 < bytes.count ? bytes[index + 1] : 0)
    }
    while sum > 0xffff { sum = sum & 0xffff + sum >> 16 }
    return ~UInt16(sum)
}

/// SCTP's checksum (RFC 9260, appendix A).
private func crc32c(_ bytes: [UInt8]) -> UInt32 {
    var register: UInt32 = .max
    for byte in bytes {
        register ^= UInt32(byte)
        for _ in 0..<8 { register = register >> 1 ^ (register & 1 == 1 ? 0x82f6_3b78 : 0) }
    }
    return ~register
}
