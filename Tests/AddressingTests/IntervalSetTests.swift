import Addressing
import Testing

private typealias Numbers = IntervalSet<UInt32>

@Suite("A set of addresses")
struct IntervalSetTests {
    @Test(
        "merges what overlaps or touches",
        arguments: [
            ([], []), ([1...1], [1...1]), ([5...6, 1...2], [1...2, 5...6]), ([1...2, 3...4], [1...4]),
            ([1...9, 2...3], [1...9]),
            ([1...5, 3...8, 8...8, 10...10], [1...8, 10...10]), ([0...UInt32.max, 7...7], [0...UInt32.max]),
            ([UInt32.max...UInt32.max, 0...0], [0...0, UInt32.max...UInt32.max]),
        ] as [([ClosedRange<UInt32>], [ClosedRange<UInt32>])])
    func merging(ranges: [ClosedRange<UInt32>], merged: [ClosedRange<UInt32>]) {
        #expect(IntervalSet(ranges).ranges == merged)
    }

    /// Against plain sets of small numbers, which need no cleverness.
    @Test("agrees with naive sets about every operation")
    func operations() {
        var state: UInt64 = 42
        func number(_ limit: UInt32) -> UInt32 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return UInt32(state >> 33) % limit
        }
        func numbers() -> (Numbers, Set<UInt32>) {
            var ranges: [ClosedRange<UInt32>] = []
            for _ in 0..<number(6) {
                let low = number(60)
                ranges.append(low...(low + number(8)))
            }
            return (Numbers(ranges), Set(ranges.flatMap { Array($0) }))
        }
        let universe = Numbers([0...80])
        for _ in 0..<500 {
            let (left, leftNaive) = numbers()
            let (right, rightNaive) = numbers()
            func same(_ set: Numbers, _ naive: Set<UInt32>) -> Bool {
                (0...80).allSatisfy { set.contains($0) == naive.contains($0) }
            }
            #expect(same(left.union(right), leftNaive.union(rightNaive)))
            #expect(same(left.intersection(right), leftNaive.intersection(rightNaive)))
            #expect(same(left.subtracting(right), leftNaive.subtracting(rightNaive)))
            #expect(same(left.complement().intersection(universe), Set(0...80).subtracting(leftNaive)))
            #expect(left.complement().complement() == left)
        }
    }

    /// A few ranges are searched for in many, and not walked to.
    @Test("agrees with naive sets where one has far more ranges than the other")
    func fewAndMany() {
        var many: [ClosedRange<UInt32>] = []
        for number in UInt32(0)..<200 {
            let low = number * 7
            many.append(low...(low + number % 4))
        }
        let manyNaive = Set(many.flatMap { Array($0) })
        for low in 0...UInt32(90) {
            for length in 0...UInt32(30) {
                let few: [ClosedRange<UInt32>] = [low...(low + length), 300...300, 1391...1400]
                let fewNaive = Set(few.flatMap { Array($0) })
                let (left, right) = (Numbers(few), Numbers(many))
                let common = fewNaive.intersection(manyNaive)
                #expect(Set(left.intersection(right).ranges.flatMap { Array($0) }) == common)
                #expect(left.intersection(right) == right.intersection(left))
                #expect(Set(left.subtracting(right).ranges.flatMap { Array($0) }) == fewNaive.subtracting(manyNaive))
                #expect(Set(right.subtracting(left).ranges.flatMap { Array($0) }) == manyNaive.subtracting(fewNaive))
            }
        }
    }

    @Test("has the whole space as the complement of nothing")
    func extremes() {
        #expect(Numbers().complement() == .all)
        #expect(Numbers.all.complement().isEmpty)
        #expect(IntervalSet<UInt128>.all.contains(.max))
        #expect(AddressSet.all.subtracting(.all).isEmpty)
    }

    @Test("is cut into the fewest prefixes")
    func prefixes() throws {
        func lengths(_ range: ClosedRange<UInt32>) -> [String] {
            range.prefixes.map { "\($0.address.text)/\($0.length)" }
        }
        #expect(lengths(0xc000_0200...0xc000_02ff) == ["192.0.2.0/24"])
        #expect(lengths(0xc000_0201...0xc000_0206) == ["192.0.2.1/32", "192.0.2.2/31", "192.0.2.4/31", "192.0.2.6/32"])
        #expect(lengths(0...UInt32.max) == ["0.0.0.0/0"])
        #expect(lengths(1...UInt32.max).count == 32)
        #expect((UInt128(1)...UInt128.max).prefixes.count == 128)
        #expect((0...UInt32.max).prefixLength == 0)
        #expect((UInt32(0)...2).prefixLength == nil)
    }
}
