internal import Addressing

/// Clients to be tried: each end of each stretch of addresses that a policy names, the address just beside it, some within each stretch
/// and some between two of them, and some far from all.
struct SourceSamples {
    /// How many there are in all.
    private(set) var total = 0
    /// Those that are tried: all, or stretches evenly among all.
    private(set) var picked: [IPAddress] = []

    /// Where clients are looked for.
    enum Places {
        case everywhere
        /// At and beside ends alone, and in no list.
        case ends
    }

    init(
        _ clients: Meaning.Clients, _ family: AddressFamily, _ places: Places = .everywhere, atMost limit: Int,
        where isUsable: (IPAddress) -> Bool
    ) {
        var found: Set<IPAddress> = []
        func add(_ address: IPAddress) {
            if isUsable(address), found.insert(address).inserted { picked.append(address) }
        }
        var left = 0
        for set in [clients.allowed, clients.excepted] {
            switch family {
            case .ipv4: left += Self.samples(set.v4, places, atMost: limit) { add(.v4(IPv4Address($0))) }
            case .ipv6: left += Self.samples(set.v6, places, atMost: limit) { add(.v6(IPv6Address($0))) }
            }
        }
        switch (family, places) {
        case (_, .ends): break
        case (.ipv4, .everywhere): for bits in Self.farAway4.flatMap({ $0.within(2) }) { add(.v4(IPv4Address(bits))) }
        case (.ipv6, .everywhere): for bits in Self.farAway6.flatMap({ $0.within(2) }) { add(.v6(IPv6Address(bits))) }
        }
        // Whoever is in no list.
        for address in Self.strangers where address.family == family { add(address) }
        total = picked.count + left
    }

    /// Of the networks for documentation (RFC 5737, RFC 3849).
    private static let strangers: [IPAddress] = [
        .v4(IPv4Address(0xc633_64fd)), .v4(IPv4Address(0xcb00_71fd)), .v6(IPv6Address(0x2001_0db8_ffff << 80 | 0xfd)),
        .v6(IPv6Address(0x2001_0db8_0010 << 80 | 0xfffd)),
    ]

    /// What is let in by mistake as a whole: the quarters of what can be a client, and networks for private use (RFC 1918, RFC 6598).
    private static let farAway4: [ClosedRange<UInt32>] = [
        0x0100_0000...0x3fff_ffff, 0x4000_0000...0x7eff_ffff, 0x8000_0000...0xbfff_ffff, 0xc000_0000...0xdfff_ffff,
        0x0a00_0000...0x0aff_ffff, 0x6440_0000...0x647f_ffff, 0xac10_0000...0xac1f_ffff, 0xc0a8_0000...0xc0a8_ffff,
    ]

    /// The same: halves of what has been given out, one network of it, those for private use (RFC 4193) and for documentation, and NAT64.
    private static let farAway6: [ClosedRange<UInt128>] = [
        0x2000 << 112...(0x3000 << 112) - 1, 0x3000 << 112...(0x4000 << 112) - 1,
        0x2600 << 112...(0x2700 << 112) - 1, 0xfd00 << 112...(0xfe00 << 112) - 1,
        0x2001_0db8 << 96...(0x2001_0db9 << 96) - 1, 0x0064_ff9b << 96...(0x0064_ff9b << 96 | 0xffff_ffff),
    ]

    /// So many within each stretch, and in each gap.
    private static func points(_ stretches: Int, _ places: Places) -> Int {
        switch places {
        case .everywhere: stretches > 8 ? 1 : 3
        case .ends: 0
        }
    }

    /// How many were left out.
    private static func samples<Bits: AddressBits>(
        _ set: IntervalSet<Bits>, _ places: Places, atMost limit: Int, _ body: (Bits) -> Void
    ) -> Int {
        if set.isEmpty { return 0 }
        let tried = set.ranges.evenly(limit / 4)
        for range in tried {
            body(range.lowerBound)
            body(range.upperBound)
            if range.lowerBound > Bits.min { body(range.lowerBound - 1) }
            if range.upperBound < Bits.max { body(range.upperBound + 1) }
        }
        let points = points(set.ranges.count, places)
        for range in tried + set.complement().ranges.evenly(limit / 4) { range.within(points).forEach(body) }
        return (4 + 2 * points) * (set.ranges.count - tried.count)
    }
}

extension RandomAccessCollection where Index == Int {
    /// All of them, or as many as `count`, the first and the last among them, with equal gaps between.
    func evenly(_ count: Int) -> [Element] {
        guard self.count > Swift.max(count, 1) else { return Array(self) }
        guard count > 1 else { return Array(prefix(1)) }
        return (0..<count).map { self[startIndex + $0 * (self.count - 1) / (count - 1)] }
    }
}

extension IPAddress {
    /// Whether a packet can have come from it over a wire: the kernel takes no other for a client's.
    var isPossibleClient: Bool {
        switch self {
        case .v4(let address): !(address.bits >> 24 == 0 || address.bits >> 24 == 127 || address.bits >> 28 >= 0xe)
        case .v6(let address):
            !(address.bits >> 120 == 0xff || address.bits >> 118 == 0x3fa || address.bits >> 48 == 0)
        }
    }
}
