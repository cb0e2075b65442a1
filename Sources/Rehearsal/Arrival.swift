internal import Addressing
internal import Nftables

/// A frame as somebody outside or in a container sees it.
struct Arrival {
    /// What it says.
    enum Message: Equatable {
        case connect(mark: UInt32)
        case connected(mark: UInt32, sequence: UInt32)
        case stray(mark: UInt32)
        /// What a client says on an open connection.
        case said(sequence: UInt32, acknowledged: UInt32)
        /// The container's answer to a stray segment.
        case strayAnswer(mark: UInt32)
        case reset(mark: UInt32)
        /// Of one that asked, or of one that answers: a datagram looks the same both ways.
        case datagram(mark: UInt32)
        case echoRequest(mark: UInt32)
        case echoReply(mark: UInt32)
        case associate(mark: UInt32)
        case associated(mark: UInt32)
        /// An ICMP error about a packet of ours.
        case unreachable(mark: UInt32)
        /// The answer to `Frame.addressRequest`.
        case addressReply
    }

    var message: Message
    var source: IPAddress
    var destination: IPAddress
    var sourcePort: UInt16
    var port: UInt16

    /// Nil where it is nothing that we send or wait for.
    init?(_ frame: ArraySlice<UInt8>) {
        let bytes = Reader(frame)
        guard let type = bytes.number16(12) else { return nil }
        if type == Frame.arp {
            guard bytes.number16(20) == 2 else { return nil }
            self.init(.addressReply, IPAddress.v4(IPv4Address(0)), IPAddress.v4(IPv4Address(0)), 0, 0)
            return
        }
        self.init(packet: bytes, at: Frame.headerLength, type)
    }

    private init(
        _ message: Message, _ source: IPAddress, _ destination: IPAddress, _ sourcePort: UInt16, _ port: UInt16
    ) {
        self.message = message
        self.source = source
        self.destination = destination
        self.sourcePort = sourcePort
        self.port = port
    }

    /// A packet with its IPv4 header, as a raw socket gives it.
    init?(packet4 packet: ArraySlice<UInt8>) { self.init(packet: Reader(packet), at: 0, Frame.ipv4) }

    /// What a packet carries, as a raw socket of IPv6 gives it, which does not say to whom it came.
    init?(content6 content: ArraySlice<UInt8>, _ l4proto: L4Protocol, from source: IPAddress) {
        let header = IPHeader(source: source, destination: .v6(IPv6Address(0)), l4proto: l4proto.rawValue, end: 0)
        self.init(Reader(content), behind: header, Frame.ipv6)
    }

    private init?(packet bytes: Reader, at start: Int, _ type: UInt16) {
        guard let header = IPHeader(bytes, at: start, type) else { return nil }
        self.init(bytes, behind: header, type)
    }

    private init?(_ bytes: Reader, behind header: IPHeader, _ type: UInt16) {
        let place = header.end
        if header.l4proto == L4Protocol.icmp.rawValue || header.l4proto == L4Protocol.icmpv6.rawValue {
            guard let kind = bytes.number8(place), let mark = bytes.number32(place + 4) else { return nil }
            let message: Message
            switch (type, kind) {
            case (Frame.ipv4, 8), (Frame.ipv6, 128): message = .echoRequest(mark: mark)
            case (Frame.ipv4, 0), (Frame.ipv6, 129): message = .echoReply(mark: mark)
            // Of IPv6 also a parameter problem: so a kernel says that it does not speak a protocol.
            case (Frame.ipv4, 3), (Frame.ipv6, 1), (Frame.ipv6, 4):
                guard let mark = Self.markOfQuoted(bytes, at: place + 8, type) else { return nil }
                message = .unreachable(mark: mark)
            case _: return nil
            }
            self.init(message, header.source, header.destination, 0, 0)
            return
        }
        guard let sourcePort = bytes.number16(place), let port = bytes.number16(place + 2),
            let message = Self.message(bytes, place, header.l4proto)
        else { return nil }
        self.init(message, header.source, header.destination, sourcePort, port)
    }

    private static func message(_ bytes: Reader, _ place: Int, _ l4proto: UInt8) -> Message? {
        switch TransportProtocol(rawValue: l4proto) {
        case .udp: return bytes.number32(place + 8).map { .datagram(mark: $0) }
        case .tcp:
            guard let sequence = bytes.number32(place + 4), let acknowledged = bytes.number32(place + 8),
                let raw = bytes.number8(place + 13)
            else { return nil }
            let flags = TCPFlags(rawValue: raw)
            if flags.contains(.rst) {
                // To a SYN it acknowledges, to a stray segment it takes the acknowledged number for its own.
                return .reset(mark: flags.contains(.ack) ? acknowledged &- 1 : sequence)
            }
            if flags.contains([.syn, .ack]) { return .connected(mark: acknowledged &- 1, sequence: sequence) }
            if flags.contains(.syn) { return .connect(mark: sequence) }
            if flags.contains(.psh) { return .said(sequence: sequence, acknowledged: acknowledged) }
            return sequence == acknowledged ? .stray(mark: acknowledged) : .strayAnswer(mark: sequence)
        case .sctp:
            guard let chunk = bytes.number8(place + 12) else { return nil }
            if chunk == 1 { return bytes.number32(place + 16).map { .associate(mark: $0) } }
            if chunk == 2 { return bytes.number32(place + 4).map { .associated(mark: $0) } }
            return nil
        case nil: return nil
        }
    }

    /// Of the packet that an error brings back; it may be cut.
    private static func markOfQuoted(_ bytes: Reader, at start: Int, _ type: UInt16) -> UInt32? {
        guard let header = IPHeader(bytes, at: start, type) else { return nil }
        switch L4Protocol(rawValue: header.l4proto) {
        case .tcp, .icmp, .icmpv6: return bytes.number32(header.end + 4)
        case .udp: return bytes.number32(header.end + 8)
        case .sctp: return bytes.number32(header.end + 16)
        case _: return nil
        }
    }
}

private struct IPHeader {
    var source: IPAddress
    var destination: IPAddress
    var l4proto: UInt8
    /// Where what it carries begins.
    var end: Int

    init(source: IPAddress, destination: IPAddress, l4proto: UInt8, end: Int) {
        self.source = source
        self.destination = destination
        self.l4proto = l4proto
        self.end = end
    }

    init?(_ bytes: Reader, at start: Int, _ type: UInt16) {
        switch type {
        case Frame.ipv4:
            guard let first = bytes.number8(start), let l4proto = bytes.number8(start + 9),
                let source = bytes.number32(start + 12), let destination = bytes.number32(start + 16)
            else { return nil }
            self.source = .v4(IPv4Address(source))
            self.destination = .v4(IPv4Address(destination))
            self.l4proto = l4proto
            end = start + Int(first & 0x0f) * 4
        case Frame.ipv6:
            guard let l4proto = bytes.number8(start + 6), let source = bytes.number128(start + 8),
                let destination = bytes.number128(start + 24)
            else { return nil }
            self.source = .v6(IPv6Address(source))
            self.destination = .v6(IPv6Address(destination))
            self.l4proto = l4proto
            end = start + 40
        case _: return nil
        }
    }
}

/// Numbers in network order, and nil past the end.
private struct Reader {
    private let bytes: ArraySlice<UInt8>

    init(_ bytes: ArraySlice<UInt8>) { self.bytes = bytes }

    private func number(_ place: Int, _ width: Int) -> UInt128? {
        let start = bytes.startIndex + place
        guard start + width <= bytes.endIndex else { return nil }
        var value: UInt128 = 0
        for index in start..<start + width { value = value << 8 | UInt128(bytes[index]) }
        return value
    }

    func number8(_ place: Int) -> UInt8? { number(place, 1).map { UInt8($0) } }
    func number16(_ place: Int) -> UInt16? { number(place, 2).map { UInt16($0) } }
    func number32(_ place: Int) -> UInt32? { number(place, 4).map { UInt32($0) } }
    func number128(_ place: Int) -> UInt128? { number(place, 16) }
}
