extension FixedWidthInteger {
    /// Most significant byte first.
    public var networkOrder: [UInt8] {
        (0..<Self.bitWidth / 8).map { UInt8(truncatingIfNeeded: self >> (Self.bitWidth - 8 - 8 * $0)) }
    }

    /// `nil` where there are not just as many bytes as the number has.
    public init?(networkOrder bytes: some Collection<UInt8>) {
        guard bytes.count == Self.bitWidth / 8 else { return nil }
        self = bytes.reduce(0) { $0 << 8 | Self(truncatingIfNeeded: $1) }
    }
}

extension IPAddress {
    /// As a packet has it.
    public var networkOrder: [UInt8] {
        switch self {
        case .v4(let address): address.bits.networkOrder
        case .v6(let address): address.bits.networkOrder
        }
    }

    /// `nil` where there are not just as many bytes as an address of the family has.
    public init?(networkOrder bytes: some Collection<UInt8>, family: AddressFamily) {
        switch family {
        case .ipv4:
            guard let bits = UInt32(networkOrder: bytes) else { return nil }
            self = .v4(IPv4Address(bits))
        case .ipv6:
            guard let bits = UInt128(networkOrder: bytes) else { return nil }
            self = .v6(IPv6Address(bits))
        }
    }
}
