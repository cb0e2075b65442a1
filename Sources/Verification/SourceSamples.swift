internal import Addressing

/// Clients to be tried: each end of each stretch of addresses that a policy names, and the address just beside it.
struct SourceSamples {
    /// How many there are in all.
    private(set) var total = 0
    /// Those that are tried: all, or stretches evenly among all.
    private(set) var picked: [IPAddress] = []

    init(_ clients: Meaning.Clients, _ family: AddressFamily, atMost limit: Int, where isUsable: (IPAddress) -> Bool) {
        var found: Set<IPAddress> = []
        func add(_ address: IPAddress) {
            if isUsable(address), found.insert(address).inserted { picked.append(address) }
        }
        var left = 0
        for set in [clients.allowed, clients.excepted] {
            switch family {
            case .ipv4: left += Self.ends(set.v4, atMost: limit) { add(.v4(IPv4Address($0))) }
            case .ipv6: left += Self.ends(set.v6, atMost: limit) { add(.v6(IPv6Address($0))) }
            }
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

    /// How many were left out.
    private static func ends<Bits: AddressBits>(
        _ set: IntervalSet<Bits>, atMost limit: Int, _ body: (Bits) -> Void
    ) -> Int {
        let tried = set.ranges.evenly(limit / 4)
        for range in tried {
            body(range.lowerBound)
            body(range.upperBound)
            if range.lowerBound > Bits.min { body(range.lowerBound - 1) }
            if range.upperBound < Bits.max { body(range.upperBound + 1) }
        }
        return 4 * (set.ranges.count - tried.count)
    }
}

extension Array {
    /// All of them, or as many as `count`, the first and the last among them, with equal gaps between.
    func evenly(_ count: Int) -> [Element] {
        guard self.count > Swift.max(count, 1) else { return self }
        guard count > 1 else { return Array(prefix(1)) }
        return (0..<count).map { self[$0 * (self.count - 1) / (count - 1)] }
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
