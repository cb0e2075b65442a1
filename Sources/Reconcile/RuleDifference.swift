internal import Nftables

/// The fewest changes that make one chain's rules of another's. A rule that stays keeps its handle, and with it its place.
struct RuleDifference {
    private(set) var changes: [Change] = []

    init(chain: String, from old: [LinearRule], to new: [LinearRule]) {
        if old == new { return }
        let alignment = Alignment(old.map(Meaning.init), new.map(Meaning.init))
        var oldIndex = 0
        var newIndex = 0
        // Between two rules that stay, what goes makes room for what comes, one for one.
        while oldIndex < old.count || newIndex < new.count {
            var leaving: [LinearRule] = []
            var coming: [LinearRule] = []
            while oldIndex < old.count, !alignment.staysInOld[oldIndex] {
                leaving.append(old[oldIndex])
                oldIndex += 1
            }
            while newIndex < new.count, !alignment.staysInNew[newIndex] {
                coming.append(new[newIndex])
                newIndex += 1
            }
            let next = oldIndex < old.count ? old[oldIndex].handle : nil
            add(chain, leaving: leaving, coming: coming, before: next)
            oldIndex += 1
            newIndex += 1
        }
    }

    /// What makes two rules the same.
    private struct Meaning: Hashable {
        var expressions: [Expression]
        var comment: String?

        init(_ rule: LinearRule) {
            expressions = rule.expressions
            comment = rule.comment
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
