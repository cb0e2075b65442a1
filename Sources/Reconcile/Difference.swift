public import Nftables

/// What has to change in the kernel's table to make it the desired one, in an order that the kernel accepts.
public struct Difference: Sendable, Equatable {
    public enum Scope: Sendable, Equatable {
        /// The kernel has no such table.
        case create
        /// What differs, and nothing else.
        case amend
        /// Something that cannot be changed in place differs: the table is made anew, in the same transaction.
        case rebuild(because: [String])
    }

    public var scope: Scope
    public var changes: [Change]

    /// `oddities` are things in the kernel's table that a ruleset cannot say.
    public init(from observed: LinearRuleset?, oddities: [String] = [], to desired: LinearRuleset) {
        guard let observed else {
            scope = .create
            changes = Self.creation(of: desired)
            return
        }
        let reasons = oddities + Self.reasonsToRebuild(observed, desired)
        if reasons.isEmpty {
            scope = .amend
            changes = Self.amendment(from: observed, to: desired)
        } else {
            scope = .rebuild(because: reasons)
            changes = [.deleteTable(name: observed.table.name)] + Self.creation(of: desired)
        }
    }

    public var isEmpty: Bool { changes.isEmpty }

    private static func creation(of desired: LinearRuleset) -> [Change] {
        [.addTable(desired.table)] + amendment(from: LinearRuleset(table: desired.table), to: desired)
    }

    private static func reasonsToRebuild(_ observed: LinearRuleset, _ desired: LinearRuleset) -> [String] {
        var reasons: [String] = []
        if observed.table != desired.table { reasons.append("the table's comment differs") }
        let limits = Dictionary(observed.limits.map { ($0.name, $0) }) { first, _ in first }
        for limit in desired.limits where limits[limit.name].map({ $0 != limit }) == true {
            reasons.append("limit \(limit.name) differs")
        }
        let sets = Dictionary(observed.sets.map { ($0.name, $0.header) }) { first, _ in first }
        for set in desired.sets where sets[set.name].map({ $0 != set.header }) == true {
            reasons.append("the type of set \(set.name) differs")
        }
        let chains = Dictionary(observed.chains.map { ($0.name, $0.base) }) { first, _ in first }
        for chain in desired.chains where chains[chain.name].map({ $0 != chain.base }) == true {
            reasons.append("the hook of chain \(chain.name) differs")
        }
        return reasons
    }

    /// What is new comes before what refers to it, and what is referred to goes after.
    private static func amendment(from observed: LinearRuleset, to desired: LinearRuleset) -> [Change] {
        let counters = KeyedDifference(observed.counters, desired.counters, key: \.name)
        let limits = KeyedDifference(observed.limits, desired.limits, key: \.name)
        let sets = KeyedDifference(observed.sets, desired.sets, key: \.name)
        let chains = KeyedDifference(observed.chains, desired.chains, key: \.name)

        var changes: [Change] = []
        changes += counters.added.map { .addCounter($0) }
        changes += limits.added.map { .addLimit($0) }
        changes += chains.added.map { .addChain(name: $0.name, $0.base) }
        changes += sets.added.map { .addSet($0.header) }
        for chain in chains.removed { changes += RuleDifference(chain: chain.name, from: chain.rules, to: []).changes }
        for (old, new) in chains.kept {
            changes += RuleDifference(chain: new.name, from: old.rules, to: new.rules).changes
        }
        for chain in chains.added { changes += RuleDifference(chain: chain.name, from: [], to: chain.rules).changes }
        let elements = sets.kept.map { (set: $1.header, difference: ElementDifference($0.elements, $1.elements)) }
        for (set, difference) in elements where !difference.removed.isEmpty {
            changes.append(.deleteElements(set: set, difference.removed))
        }
        // A map that goes lets go of the chains that it leads to when it is deleted.
        changes += sets.removed.map { .deleteSet(name: $0.name) }
        for set in sets.added where !set.elements.isEmpty {
            changes.append(.addElements(set: set.header, set.elements))
        }
        for (set, difference) in elements where !difference.added.isEmpty {
            changes.append(.addElements(set: set, difference.added))
        }
        changes += chains.removed.map { .deleteChain(name: $0.name) }
        changes += limits.removed.map { .deleteLimit(name: $0.name) }
        changes += counters.removed.map { .deleteCounter(name: $0.name) }
        return changes
    }
}

/// Two lists of named things, compared by name; what is in both is in the new list's order.
struct KeyedDifference<Item> {
    var added: [Item] = []
    var removed: [Item] = []
    var kept: [(old: Item, new: Item)] = []

    init(_ old: [Item], _ new: [Item], key: (Item) -> String) {
        var left = Dictionary(old.map { (key($0), $0) }) { first, _ in first }
        for item in new {
            if let before = left.removeValue(forKey: key(item)) {
                kept.append((before, item))
            } else {
                added.append(item)
            }
        }
        removed = old.filter { left[key($0)] != nil }
    }
}
