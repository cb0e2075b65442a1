import Addressing
import Glibc

/// A request for a TCP connection in a shape that no client's kernel gives it: behind IPv6 extension headers or IPv4 options, or in
/// fragments.
struct CraftedSYN: Sendable {
    enum Shape: String, CaseIterable, Sendable {
        case whole
        case hopByHopOptions
        case destinationOptions
        case ipv4Options
        /// One fragment that is all there is (RFC 6946).
        case atomicFragment
        /// The whole TCP header in the first fragment, data in the second.
        case fragments
        case fragmentsLastFirst
        /// The first fragment ends before the flags.
        case shortFirstFragment
        case hopByHopOptionsAndFragments
        /// The options are in the first fragment, before the TCP header.
        case fragmentedDestinationOptions

        static func all(_ family: AddressFamily) -> [Self] {
            allCases.filter { shape in
                switch shape {
                case .whole, .fragments, .fragmentsLastFirst, .shortFirstFragment: true
                case .ipv4Options: family == .ipv4
                case .hopByHopOptions, .destinationOptions, .atomicFragment, .hopByHopOptionsAndFragments,
                    .fragmentedDestinationOptions:
                    family == .ipv6
                }
            }
        }
    }

    var shape: Shape
    var source: IPAddress
    var sourcePort: UInt16
    var destination: IPAddress
    var port: UInt16

    /// With their IP headers.
    var packets: [[UInt8]] {
        switch (source, destination) {
        case (.v4(let source), .v4(let destination)): packets4(source, destination)
        case (.v6(let source), .v6(let destination)): packets6(source, destination)
        case (.v4, .v6), (.v6, .v4): []
        }
    }

    private static let tcp = UInt8(IPPROTO_TCP)
    private static let fragmentHeader: UInt8 = 44
    private static let optionsHeader: UInt8 = 60

    /// 24 bytes of header and 8 of data, so that it can be cut behind either.
    private func segment(_ addresses: [UInt8]) -> [UInt8] {
        var segment = sourcePort.bytes + port.bytes
        segment += [0x10, 0x20, 0x30, 0x40, 0, 0, 0, 0, 6 << 4, 0x02, 0x20, 0, 0, 0, 0, 0, 1, 1, 1, 1]
        segment += [1, 2, 3, 4, 5, 6, 7, 8]
        let sum = internetChecksum(addresses + [0, Self.tcp, 0, UInt8(segment.count)] + segment)
        segment.replaceSubrange(16..<18, with: sum.bytes)
        return segment
    }

    /// Offset, bytes, and whether more come.
    private func pieces(_ whole: [UInt8], cut: Int) -> [(offset: UInt16, bytes: [UInt8], more: UInt16)] {
        let pieces = [
            (UInt16(0), Array(whole[..<cut]), UInt16(1)), (UInt16(cut), Array(whole[cut...]), UInt16(0)),
        ]
        return shape == .fragmentsLastFirst ? pieces.reversed() : pieces
    }

    private func packets4(_ source: IPv4Address, _ destination: IPv4Address) -> [[UInt8]] {
        let addresses = source.bits.bytes + destination.bits.bytes
        let whole = segment(addresses)
        // The kernel fills in the length and the checksum.
        func packet(_ fragment: UInt16, _ payload: [UInt8], options: [UInt8] = []) -> [UInt8] {
            let words = UInt8(5 + options.count / 4)
            return [0x40 | words, 0, 0, 0] + sourcePort.bytes + fragment.bytes + [64, Self.tcp, 0, 0] + addresses
                + options
                + payload
        }
        switch shape {
        case .ipv4Options: return [packet(0, whole, options: [1, 1, 1, 0])]
        case .fragments, .fragmentsLastFirst, .shortFirstFragment:
            return pieces(whole, cut: shape == .shortFirstFragment ? 8 : 24).map {
                packet($0.offset / 8 | $0.more << 13, $0.bytes)
            }
        case .whole, .hopByHopOptions, .destinationOptions, .atomicFragment, .hopByHopOptionsAndFragments,
            .fragmentedDestinationOptions:
            return [packet(0, whole)]
        }
    }

    private func packets6(_ source: IPv6Address, _ destination: IPv6Address) -> [[UInt8]] {
        let addresses = source.bits.bytes + destination.bits.bytes
        let whole = segment(addresses)
        func packet(_ next: UInt8, _ payload: [UInt8]) -> [UInt8] {
            [0x60, 0, 0, 0] + UInt16(payload.count).bytes + [next, 64] + addresses + payload
        }
        /// Eight bytes, all of them padding.
        func options(before next: UInt8) -> [UInt8] { [next, 0, 1, 4, 0, 0, 0, 0] }
        func fragment(_ next: UInt8, _ piece: (offset: UInt16, bytes: [UInt8], more: UInt16)) -> [UInt8] {
            [next, 0] + (piece.offset | piece.more).bytes + [0, 0] + sourcePort.bytes + piece.bytes
        }
        switch shape {
        case .whole, .ipv4Options: return [packet(Self.tcp, whole)]
        case .hopByHopOptions: return [packet(0, options(before: Self.tcp) + whole)]
        case .destinationOptions: return [packet(Self.optionsHeader, options(before: Self.tcp) + whole)]
        case .atomicFragment: return [packet(Self.fragmentHeader, fragment(Self.tcp, (0, whole, 0)))]
        case .fragments, .fragmentsLastFirst, .shortFirstFragment:
            return pieces(whole, cut: shape == .shortFirstFragment ? 8 : 24).map {
                packet(Self.fragmentHeader, fragment(Self.tcp, $0))
            }
        case .hopByHopOptionsAndFragments:
            return pieces(whole, cut: 24).map {
                packet(0, options(before: Self.fragmentHeader) + fragment(Self.tcp, $0))
            }
        case .fragmentedDestinationOptions:
            return pieces(options(before: Self.tcp) + whole, cut: 32).map {
                packet(Self.fragmentHeader, fragment(Self.optionsHeader, $0))
            }
        }
    }
}

extension DockerHost {
    /// Sends them from the client. Those that a SYN with ACK answers, by their source ports; those of `awaited` are waited for.
    func answered(_ requests: [CraftedSYN], awaiting awaited: Set<UInt16>) throws -> Set<UInt16> {
        let sockets = try client.enter {
            try [AF_INET, AF_INET6].map { family in
                (
                    sending: try Socket(family: family, type: SOCK_RAW, protocol: Int32(IPPROTO_RAW)),
                    hearing: try Socket(family: family, type: SOCK_RAW, protocol: Int32(IPPROTO_TCP))
                )
            }
        }
        for request in requests {
            let socket = request.destination.family == .ipv4 ? sockets[0].sending : sockets[1].sending
            let destination = try SocketAddress("\(request.destination)", port: 0)
            for packet in request.packets {
                let error = socket.send(packet, to: destination)
                guard error == 0 else { throw BenchError("send \(request)", errno: error) }
            }
        }
        var found: Set<UInt16> = []
        var end = ContinuousClock.now + .seconds(5)
        var isComplete = false
        while ContinuousClock.now < end {
            if !isComplete, awaited.isSubset(of: found) {
                isComplete = true
                end = ContinuousClock.now + .milliseconds(400)
            }
            for (index, sockets) in sockets.enumerated() {
                while case .bytes(let bytes) = sockets.hearing.receive() {
                    // IPv4 comes with its header.
                    let segment = Array(index == 0 ? bytes.dropFirst(Int(bytes[0] & 0x0f) * 4) : bytes[...])
                    guard segment.count >= 20, segment[13] & 0x12 == 0x12 else { continue }
                    found.insert(UInt16(segment[2]) << 8 | UInt16(segment[3]))
                }
            }
            _ = waitForAny(
                sockets.map { ($0.hearing.descriptor, false) }, until: ContinuousClock.now + .milliseconds(20))
        }
        return found
    }
}

extension FixedWidthInteger {
    /// In network order.
    fileprivate var bytes: [UInt8] {
        (0..<Self.bitWidth / 8).reversed().map { UInt8(truncatingIfNeeded: self >> ($0 * 8)) }
    }
}
