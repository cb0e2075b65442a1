internal import Nftables

/// The fewest changes that make one chain's rules of another's. A rule that stays keeps its handle, and with it its place.
struct RuleDifference {
    private(set) var changes: [Change] = []

    init(chain: String, from old: [LinearRule], to new: [LinearRule]) {
        if old == new { return }
        let difference = new.difference(from: old)
        var isRemoved = Array(repeating: false, count: old.count)
        var isInserted = Array(repeating: false, count: new.count)
        for change in difference {
            switch change {
            case .remove(let offset, _, _): isRemoved[offset] = true
            case .insert(let offset, _, _): isInserted[offset] = true
            }
        }
        var oldIndex = 0
        var newIndex = 0
        // Between two rules that stay, what goes makes room for what comes, one for one.
        while oldIndex < old.count || newIndex < new.count {
            var leaving: [LinearRule] = []
            var coming: [LinearRule] = []
            while oldIndex < old.count, isRemoved[oldIndex] {
                leaving.append(old[oldIndex])
                oldIndex += 1
            }
            while newIndex < new.count, isInserted[newIndex] {
                coming.append(new[newIndex])
                newIndex += 1
            }
            let next = oldIndex < old.count ? old[oldIndex].handle : nil
            add(chain, leaving: leaving, coming: coming, before: next)
            oldIndex += 1
            newIndex += 1
        }
    }

    private mutating func add(_ chain: String, leaving: [LinearRule], coming: [LinearRule], before next: UInt64?) {
        for (before, after) in zip(leaving, coming) {
            guard let handle = before.handle else { continue }
            changes.append(.replaceRule(handle: handle, with: after, chain: chain))
        }
        for rule in leaving.dropFirst(coming.count) {
            guard let handle = rule.handle else { continue }
            changes.append(.deleteRule(handle: handle, chain: chain))
        }
        for rule in coming.dropFirst(leaving.count) {
            changes.append(.addRule(rule, chain: chain, before: next))
        }
    }
}
