/// A table as the kernel runs it: what a `Ruleset` becomes, and what a dump of the kernel's table decodes to. Diff and simulator
/// read nothing else, so that they compare like with like.
public struct LinearRuleset: Sendable, Equatable {
    public var table: Table
    public var counters: [Counter]
    public var limits: [Limit]
    public var sets: [NamedSet]
    public var chains: [LinearChain]

    public init(
        table: Table, counters: [Counter] = [], limits: [Limit] = [], sets: [NamedSet] = [], chains: [LinearChain] = []
    ) {
        self.table = table
        self.counters = counters
        self.limits = limits
        self.sets = sets
        self.chains = chains
    }
}

public struct LinearChain: Sendable, Equatable {
    public var name: String
    public var base: BaseChain?
    public var rules: [LinearRule]

    public init(name: String, base: BaseChain? = nil, rules: [LinearRule] = []) {
        self.name = name
        self.base = base
        self.rules = rules
    }
}

public struct LinearRule: Sendable, Equatable {
    public var expressions: [Expression]
    public var comment: String?
    /// The kernel's number for it, once it has it.
    public var handle: UInt64?
    public var origin: Origin?

    public init(_ expressions: [Expression], comment: String? = nil, handle: UInt64? = nil, origin: Origin? = nil) {
        self.expressions = expressions
        self.comment = comment
        self.handle = handle
        self.origin = origin
    }

    /// What it does and says: neither where the kernel keeps it nor where it was written.
    public static func == (left: Self, right: Self) -> Bool {
        left.expressions == right.expressions && left.comment == right.comment
    }
}

extension Ruleset {
    public func linearized() -> LinearRuleset {
        LinearRuleset(
            table: table, counters: counters, limits: limits, sets: sets,
            chains: chains.map { $0.linearized() })
    }
}

extension Chain {
    public func linearized() -> LinearChain {
        LinearChain(name: name, base: base, rules: rules.map { $0.linearized() })
    }
}
