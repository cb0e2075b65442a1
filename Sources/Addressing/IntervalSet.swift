/// A set of numbers as sorted, disjoint, non-adjacent closed ranges: the one form in which two equal sets are equal.
///
/// Everything is inlinable, so that each module compiles it for 32 and for 128 bits: through witness tables a set of 100,000
/// ranges costs more than the kernel's own work on it.
public struct IntervalSet<Bound: AddressBits>: Hashable, Sendable {
    @usableFromInline var storage: [ClosedRange<Bound>]

    @inlinable public var ranges: [ClosedRange<Bound>] { storage }

    @inlinable public init() { self.init(canonical: []) }

    /// Sorts and merges; overlapping and adjacent ranges become one.
    @inlinable public init(_ unsorted: [ClosedRange<Bound>]) {
        var ranges = unsorted
        var isSorted = true
        var isCanonical = true
        for index in ranges.indices.dropFirst() {
            let end = ranges[index - 1].upperBound
            let start = ranges[index].lowerBound
            if start < ranges[index - 1].lowerBound { isSorted = false }
            if end == Bound.max || start <= end + 1 { isCanonical = false }
        }
        if !isSorted { ranges.sort { $0.lowerBound < $1.lowerBound } }
        if !isCanonical { Self.mergeSorted(&ranges) }
        self.init(canonical: ranges)
    }

    @inlinable init(canonical ranges: [ClosedRange<Bound>]) { storage = ranges }

    @inlinable static func mergeSorted(_ ranges: inout [ClosedRange<Bound>]) {
        var last = 0
        for index in ranges.indices.dropFirst() {
            let next = ranges[index]
            let end = ranges[last].upperBound
            if end == Bound.max || next.lowerBound <= end + 1 {
                if next.upperBound > end { ranges[last] = ranges[last].lowerBound...next.upperBound }
            } else {
                last += 1
                ranges[last] = next
            }
        }
        ranges.removeSubrange((last + 1)...)
    }

    @inlinable public static var all: Self { Self(canonical: [Bound.min...Bound.max]) }

    @inlinable public var isEmpty: Bool { ranges.isEmpty }

    @inlinable var isAll: Bool { ranges.count == 1 && ranges[0] == Bound.min...Bound.max }

    @inlinable public func contains(_ value: Bound) -> Bool {
        var low = 0
        var high = ranges.count
        while low < high {
            let middle = (low + high) / 2
            if ranges[middle].upperBound < value { low = middle + 1 } else { high = middle }
        }
        return low < ranges.count && ranges[low].contains(value)
    }

    @inlinable public func union(_ other: Self) -> Self {
        if other.isEmpty || isAll { return self }
        if isEmpty || other.isAll { return other }
        var merged: [ClosedRange<Bound>] = []
        merged.reserveCapacity(ranges.count + other.ranges.count)
        var left = 0
        var right = 0
        while left < ranges.count || right < other.ranges.count {
            let isLeft =
                right == other.ranges.count
                || left < ranges.count && ranges[left].lowerBound <= other.ranges[right].lowerBound
            merged.append(isLeft ? ranges[left] : other.ranges[right])
            if isLeft { left += 1 } else { right += 1 }
        }
        Self.mergeSorted(&merged)
        return Self(canonical: merged)
    }

    @inlinable public func complement() -> Self {
        var result: [ClosedRange<Bound>] = []
        result.reserveCapacity(ranges.count + 1)
        var next: Bound? = Bound.min
        for range in ranges {
            if let start = next, start < range.lowerBound { result.append(start...(range.lowerBound - 1)) }
            next = range.upperBound == Bound.max ? nil : range.upperBound + 1
        }
        if let start = next { result.append(start...Bound.max) }
        return Self(canonical: result)
    }

    @inlinable public func intersection(_ other: Self) -> Self {
        if isAll { return other }
        if other.isAll || self == other { return self }
        if ranges.count < other.ranges.count / 16 { return Self(canonical: other.parts(in: ranges)) }
        if other.ranges.count < ranges.count / 16 { return Self(canonical: parts(in: other.ranges)) }
        var result: [ClosedRange<Bound>] = []
        var left = 0
        var right = 0
        while left < ranges.count, right < other.ranges.count {
            let low = max(ranges[left].lowerBound, other.ranges[right].lowerBound)
            let high = min(ranges[left].upperBound, other.ranges[right].upperBound)
            if low <= high { result.append(low...high) }
            if ranges[left].upperBound < other.ranges[right].upperBound { left += 1 } else { right += 1 }
        }
        // Two pieces of one range are kept apart by a gap of the other's.
        return Self(canonical: result)
    }

    /// Of a few ranges, what lies in this set: a search for each instead of a walk over all.
    @inlinable func parts(in few: [ClosedRange<Bound>]) -> [ClosedRange<Bound>] {
        var result: [ClosedRange<Bound>] = []
        for range in few {
            var low = 0
            var high = ranges.count
            while low < high {
                let middle = (low + high) / 2
                if ranges[middle].upperBound < range.lowerBound { low = middle + 1 } else { high = middle }
            }
            while low < ranges.count, ranges[low].lowerBound <= range.upperBound {
                result.append(
                    max(ranges[low].lowerBound, range.lowerBound)...min(ranges[low].upperBound, range.upperBound))
                low += 1
            }
        }
        return result
    }

    @inlinable public func subtracting(_ other: Self) -> Self {
        if other.isEmpty || isEmpty { return self }
        if isAll { return other.complement() }
        // Arrays that share their storage are found equal at once.
        if self == other { return Self() }
        // Often they have nothing in common, and then nothing is copied; and of a few ranges in many, only theirs are gone through.
        let common = intersection(other)
        return common.isEmpty ? self : intersection(common.complement())
    }
}

/// Addresses of both families. A policy never means one family without the other.
public struct AddressSet: Hashable, Sendable {
    public var v4: IntervalSet<UInt32>
    public var v6: IntervalSet<UInt128>

    public init(v4: IntervalSet<UInt32> = .init(), v6: IntervalSet<UInt128> = .init()) {
        self.v4 = v4
        self.v6 = v6
    }

    public static var all: Self { Self(v4: .all, v6: .all) }

    public var isEmpty: Bool { v4.isEmpty && v6.isEmpty }

    public func contains(_ address: IPAddress) -> Bool {
        switch address {
        case .v4(let address): v4.contains(address.bits)
        case .v6(let address): v6.contains(address.bits)
        }
    }

    public func union(_ other: Self) -> Self { Self(v4: v4.union(other.v4), v6: v6.union(other.v6)) }
    public func intersection(_ other: Self) -> Self {
        Self(v4: v4.intersection(other.v4), v6: v6.intersection(other.v6))
    }
    public func subtracting(_ other: Self) -> Self {
        Self(v4: v4.subtracting(other.v4), v6: v6.subtracting(other.v6))
    }
}

extension ClosedRange where Bound: AddressBits {
    /// The prefix that is this very range, when there is one.
    public var prefixLength: Int? {
        let size = upperBound - lowerBound
        guard size & (size &+ 1) == 0, lowerBound & size == 0 else { return nil }
        return Bound.bitWidth - (Bound.bitWidth - size.leadingZeroBitCount)
    }

    /// As nft writes it: an address, a prefix or a range.
    public var text: String {
        if lowerBound == upperBound { return lowerBound.text }
        if let prefixLength { return "\(lowerBound.text)/\(prefixLength)" }
        return "\(lowerBound.text)-\(upperBound.text)"
    }

    /// The fewest prefixes that are together this range, in order.
    public var prefixes: [(address: Bound, length: Int)] {
        var result: [(address: Bound, length: Int)] = []
        var low = lowerBound
        while true {
            // The largest block that starts at `low`: aligned, and not past the end.
            var size = low == 0 ? Bound.max : (low & (~low &+ 1)) - 1
            while size > upperBound - low { size >>= 1 }
            result.append((low, size.leadingZeroBitCount))
            if low + size == upperBound { return result }
            low += size + 1
        }
    }
}
