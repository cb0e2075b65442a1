/// Which items of two lists stay as they are, so that replacing, adding and removing the others is done in the fewest steps, each for
/// one item (Levenshtein's distance).
struct Alignment {
    private(set) var staysInOld: [Bool]
    private(set) var staysInNew: [Bool]

    /// Beyond so many comparisons the longest common subsequence does, which may take a step more.
    private static let maximumComparisons = 4_000_000

    init<Item: Hashable>(_ old: [Item], _ new: [Item]) {
        staysInOld = Array(repeating: false, count: old.count)
        staysInNew = Array(repeating: false, count: new.count)
        let head = zip(old, new).prefix { $0 == $1 }.count
        let tail = zip(old.dropFirst(head).reversed(), new.dropFirst(head).reversed()).prefix { $0 == $1 }.count
        for index in 0..<head { keep(index, index) }
        for index in 0..<tail { keep(old.count - 1 - index, new.count - 1 - index) }
        let middle = (old: Array(old[head..<old.count - tail]), new: Array(new[head..<new.count - tail]))
        let pairs =
            middle.old.count * middle.new.count <= Self.maximumComparisons
            ? Self.fewestSteps(middle.old, middle.new) : Self.commonSubsequence(middle.old, middle.new)
        for (left, right) in pairs { keep(head + left, head + right) }
    }

    private mutating func keep(_ left: Int, _ right: Int) {
        staysInOld[left] = true
        staysInNew[right] = true
    }

    private static func fewestSteps<Item: Hashable>(_ old: [Item], _ new: [Item]) -> [(Int, Int)] {
        if old.isEmpty || new.isEmpty { return [] }
        // Items are compared as numbers.
        var numbers: [Item: Int] = [:]
        for item in old + new where numbers[item] == nil { numbers[item] = numbers.count }
        let left = old.map { numbers[$0] ?? -1 }
        let right = new.map { numbers[$0] ?? -1 }
        let width = right.count + 1
        var cost = Array(repeating: 0, count: (left.count + 1) * width)
        for column in 0..<width { cost[column] = column }
        for row in 1...left.count {
            cost[row * width] = row
            for column in 1..<width {
                let above = cost[(row - 1) * width + column]
                let before = cost[row * width + column - 1]
                let diagonal = cost[(row - 1) * width + column - 1]
                let isSame = left[row - 1] == right[column - 1]
                cost[row * width + column] = min(diagonal + (isSame ? 0 : 1), above + 1, before + 1)
            }
        }
        var pairs: [(Int, Int)] = []
        var row = left.count
        var column = right.count
        while row > 0, column > 0 {
            let here = cost[row * width + column]
            let isSame = left[row - 1] == right[column - 1]
            if isSame, here == cost[(row - 1) * width + column - 1] {
                pairs.append((row - 1, column - 1))
                row -= 1
                column -= 1
            } else if here == cost[(row - 1) * width + column - 1] + 1 {
                row -= 1
                column -= 1
            } else if here == cost[(row - 1) * width + column] + 1 {
                row -= 1
            } else {
                column -= 1
            }
        }
        return pairs
    }

    private static func commonSubsequence<Item: Hashable>(_ old: [Item], _ new: [Item]) -> [(Int, Int)] {
        var isRemoved = Array(repeating: false, count: old.count)
        var isInserted = Array(repeating: false, count: new.count)
        for change in new.difference(from: old) {
            switch change {
            case .remove(let offset, _, _): isRemoved[offset] = true
            case .insert(let offset, _, _): isInserted[offset] = true
            }
        }
        return Array(zip(old.indices.filter { !isRemoved[$0] }, new.indices.filter { !isInserted[$0] }))
    }
}
