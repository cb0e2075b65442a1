internal import Addressing

extension ClosedRange where Bound: FixedWidthInteger & UnsignedInteger {
    /// Strictly between the ends: the middle first, then places without any order that are the same in every run. Fewer where there is
    /// no room.
    func within(_ count: Int) -> [Bound] {
        guard lowerBound < upperBound, upperBound - lowerBound > 1 else { return [] }
        let room = UInt128(truncatingIfNeeded: upperBound - lowerBound - 1)
        var found = [lowerBound + (upperBound - lowerBound) / 2]
        var places = Places(self)
        for _ in 1..<Swift.max(count, 1) {
            let place = lowerBound + 1 + Bound(truncatingIfNeeded: places.next() % room)
            if !found.contains(place) { found.append(place) }
        }
        return Array(found.prefix(count))
    }
}

/// SplitMix64 (Steele, Lea, Flood 2014), begun with the ends of a stretch.
private struct Places {
    private var state: UInt64

    init<Bound: FixedWidthInteger>(_ range: ClosedRange<Bound>) {
        func folded(_ bound: Bound) -> UInt64 {
            let bits = UInt128(truncatingIfNeeded: bound)
            return UInt64(truncatingIfNeeded: bits) ^ UInt64(truncatingIfNeeded: bits >> 64)
        }
        state = folded(range.lowerBound) &* 31 &+ folded(range.upperBound)
    }

    mutating func next() -> UInt128 { UInt128(word()) << 64 | UInt128(word()) }

    private mutating func word() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ mixed >> 27) &* 0x94d0_49bb_1331_11eb
        return mixed ^ mixed >> 31
    }
}
