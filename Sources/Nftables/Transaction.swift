/// One step of a transaction, in nft's verbs.
public enum Change: Sendable, Equatable {
    case addTable(Table)
    case deleteTable(name: String)
    case addCounter(Counter)
    case deleteCounter(name: String)
    case addLimit(Limit)
    case deleteLimit(name: String)
    case addSet(NamedSet.Header)
    case deleteSet(name: String)
    case addElements(set: NamedSet.Header, Elements)
    case deleteElements(set: NamedSet.Header, Elements)
    case addChain(name: String, BaseChain?)
    case deleteChain(name: String)
    /// Before the rule with that handle, or at the end of the chain.
    case addRule(LinearRule, chain: String, before: UInt64?)
    case replaceRule(handle: UInt64, with: LinearRule, chain: String)
    case deleteRule(handle: UInt64, chain: String)

    /// An interval of a set counts as one operation, and so does everything else.
    public var operationCount: Int {
        switch self {
        case .addElements(set: _, let elements), .deleteElements(set: _, let elements): elements.count
        case .addTable, .deleteTable, .addCounter, .deleteCounter, .addLimit, .deleteLimit, .addSet, .deleteSet,
            .addChain, .deleteChain, .addRule, .replaceRule, .deleteRule:
            1
        }
    }
}

/// Changes to one table that the kernel makes all at once or not at all.
public struct Transaction: Sendable, Equatable {
    public var table: String
    public var changes: [Change]
    /// The kernel's generation that the changes were computed against: against any other they are refused.
    public var generation: UInt32?

    public init(table: String, changes: [Change] = [], generation: UInt32? = nil) {
        self.table = table
        self.changes = changes
        self.generation = generation
    }

    public var isEmpty: Bool { changes.isEmpty }

    public var operationCount: Int { changes.reduce(0) { $0 + $1.operationCount } }
}
