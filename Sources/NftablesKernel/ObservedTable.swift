public import Nftables

/// A table as the kernel holds it at one generation.
///
/// Counters, limits and sets are sorted by name, elements by key; chains and rules are in the kernel's order.
public struct ObservedTable: Sendable, Equatable {
    public var ruleset: LinearRuleset
    public var generation: UInt32
    public var handle: UInt64
    /// What the named counters have counted.
    public var counters: [String: CounterReading]
    /// What is in the table that we never write.
    public var oddities: [Oddity]

    public init(
        ruleset: LinearRuleset, generation: UInt32, handle: UInt64, counters: [String: CounterReading] = [:],
        oddities: [Oddity] = []
    ) {
        self.ruleset = ruleset
        self.generation = generation
        self.handle = handle
        self.counters = counters
        self.oddities = oddities
    }
}

public struct CounterReading: Hashable, Sendable {
    public var packets: UInt64
    public var bytes: UInt64

    public init(packets: UInt64, bytes: UInt64) {
        self.packets = packets
        self.bytes = bytes
    }
}

/// Something in our table that we never write: somebody else put it there, and the IR cannot say it.
public struct Oddity: Hashable, Sendable, CustomStringConvertible {
    public enum Place: Hashable, Sendable {
        case table
        case chain(String)
        case rule(handle: UInt64, chain: String)
        /// Where the set is not in the ruleset too, the IR has no word for its key or its kind.
        case set(String)
        /// A stateful object, in nft's word: `quota`.
        case object(word: String, name: String)
        case flowtable(String)
    }

    public var place: Place
    /// What is odd about it.
    public var text: String

    public init(_ place: Place, _ text: String) {
        self.place = place
        self.text = text
    }

    public var description: String {
        switch place {
        case .table: "table: \(text)"
        case .chain(let name): "chain \(name): \(text)"
        case .rule(let handle, let chain): "rule with handle \(handle) in chain \(chain): \(text)"
        case .set(let name): "set \(name): \(text)"
        case .object(let word, let name): "\(word) \(name): \(text)"
        case .flowtable(let name): "flowtable \(name): \(text)"
        }
    }
}
