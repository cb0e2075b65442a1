/// A set of numbers as sorted, disjoint, non-adjacent closed ranges: the one form in which two equal sets are equal.
public struct IntervalSet<Bound: AddressBits>: Hashable, Sendable {
    public private(set) var ranges: [ClosedRange<Bound>]

    public init() { ranges = [] }

    /// Sorts and merges; overlapping and adjacent ranges become one.
    public init(_ unsorted: [ClosedRange<Bound>]) {
        ranges = unsorted
        let isSorted = zip(ranges, ranges.dropFirst()).allSatisfy { $0.lowerBound <= $1.lowerBound }
        if !isSorted { ranges.sort { $0.lowerBound < $1.lowerBound } }
        mergeSorted()
    }

    private mutating func mergeSorted() {
        guard ranges.count > 1 else { return }
        var last = 0
        for index in 1..<ranges.count {
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

    public static var all: Self { Self([Bound.min...Bound.max]) }

    public var isEmpty: Bool { ranges.isEmpty }

    public func contains(_ value: Bound) -> Bool {
        var low = 0
        var high = ranges.count
        while low < high {
            let middle = (low + high) / 2
            if ranges[middle].upperBound < value { low = middle + 1 } else { high = middle }
        }
        return low < ranges.count && ranges[low].contains(value)
    }

    public func union(_ other: Self) -> Self {
        if other.isEmpty { return self }
        if isEmpty { return other }
        var result = Self()
        result.ranges.reserveCapacity(ranges.count + other.ranges.count)
        var left = ranges[...]
        var right = other.ranges[...]
        while let first = left.first, let second = right.first {
            if first.lowerBound <= second.lowerBound {
                result.ranges.append(left.removeFirst())
            } else {
                result.ranges.append(right.removeFirst())
            }
        }
        result.ranges += left
        result.ranges += right
        result.mergeSorted()
        return result
    }

    public func complement() -> Self {
        var result: [ClosedRange<Bound>] = []
        var next: Bound? = Bound.min
        for range in ranges {
            if let start = next, start < range.lowerBound { result.append(start...(range.lowerBound - 1)) }
            next = range.upperBound == Bound.max ? nil : range.upperBound + 1
        }
        if let start = next { result.append(start...Bound.max) }
        return Self(result)
    }

    public func intersection(_ other: Self) -> Self {
        var result: [ClosedRange<Bound>] = []
        var left = 0
        var right = 0
        while left < ranges.count, right < other.ranges.count {
            let low = max(ranges[left].lowerBound, other.ranges[right].lowerBound)
            let high = min(ranges[left].upperBound, other.ranges[right].upperBound)
            if low <= high { result.append(low...high) }
            if ranges[left].upperBound < other.ranges[right].upperBound { left += 1 } else { right += 1 }
        }
        return Self(result)
    }

    public func subtracting(_ other: Self) -> Self {
        other.isEmpty || isEmpty ? self : intersection(other.complement())
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
