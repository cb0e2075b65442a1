/// Addresses as they are read, in any order and overlapping. `set` is what they mean.
public struct AddressRanges: Sendable {
    public private(set) var v4: [ClosedRange<UInt32>] = []
    public private(set) var v6: [ClosedRange<UInt128>] = []

    public init() {}

    public var count: Int { v4.count + v6.count }

    public mutating func append(_ text: AddressText) {
        switch text {
        case .v4(let range): v4.append(range)
        case .v6(let range): v6.append(range)
        }
    }

    public mutating func append(contentsOf other: Self) {
        v4 += other.v4
        v6 += other.v6
    }

    /// Sorted and merged here, where the sort is compiled for these two bounds and not through their witness tables.
    public var set: AddressSet { AddressSet(v4: IntervalSet(v4), v6: IntervalSet(v6)) }
}
