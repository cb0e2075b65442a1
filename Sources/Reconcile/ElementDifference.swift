internal import Addressing
internal import Nftables

/// The elements that one set has and another has not. An interval whose end moves is another element: the kernel knows it by both.
struct ElementDifference {
    let added: Elements
    let removed: Elements

    init(_ old: Elements, _ new: Elements) {
        switch (old, new) {
        case (.ipv4(let old), .ipv4(let new)):
            added = .ipv4(IntervalSet(new.ranges(notIn: old)))
            removed = .ipv4(IntervalSet(old.ranges(notIn: new)))
        case (.ipv6(let old), .ipv6(let new)):
            added = .ipv6(IntervalSet(new.ranges(notIn: old)))
            removed = .ipv6(IntervalSet(old.ranges(notIn: new)))
        case (.keyed(let old), .keyed(let new)):
            let before = Set(old)
            let after = Set(new)
            added = .keyed(new.filter { !before.contains($0) })
            removed = .keyed(old.filter { !after.contains($0) })
        case (.ipv4, _), (.ipv6, _), (.keyed, _):
            added = new
            removed = old
        }
    }
}

extension IntervalSet {
    /// The ranges that are not, as they are, ranges of the other: one walk along both.
    fileprivate func ranges(notIn other: Self) -> [ClosedRange<Bound>] {
        if ranges == other.ranges { return [] }
        var result: [ClosedRange<Bound>] = []
        var index = 0
        for range in ranges {
            while index < other.ranges.count, other.ranges[index].lowerBound < range.lowerBound { index += 1 }
            if index < other.ranges.count, other.ranges[index] == range { continue }
            result.append(range)
        }
        return result
    }
}
