public import Nftables

/// Our table while a new policy waits to be confirmed, taken apart into the two tables that it can become.
///
/// The rules of before stay as they are. Before them, each base chain asks a map from the packet's family to the first chain of
/// the new generation, whose elements the kernel drops when their time is up: then the map has no answer, and the rules of before
/// decide, with no process alive to see to it.
public struct WaitingTable: Sendable, Equatable {
    /// What was in force before, and is again when the time is up; `nil` where there was no table.
    public var plain: LinearRuleset?
    /// What waits, under the names that it has once it is confirmed.
    public var next: LinearRuleset
    /// How long it still waits, in milliseconds; `nil` when the time is up.
    public var remaining: UInt64?
    /// What somebody must have changed in what leads to the new generation.
    public var faults: [String]

    /// Whether the rules of before are in force again, and the new generation is dead.
    public var isExpired: Bool { remaining == nil }

    /// The table whose rules decide at this moment; `nil` where none do.
    public var inForce: LinearRuleset? { isExpired ? plain : next }
}

/// Names in a table that waits. No name that the compiler makes begins with either word, for its own words stand first.
enum WaitingName {
    /// Before the name that a chain, set, counter or limit of the new generation has once it is confirmed.
    static let next = "next-"
    /// Before the name of a base chain: the map that it asks.
    static let map = "waiting-"
    /// Before the name of a base chain of the new policy alone: the chain in its place, and the map that it asks.
    static let stand = "waiting-for-"

    static func next(_ name: String) -> String { next + name }

    static func isOurs(_ name: String) -> Bool { name.hasPrefix(next) || name.hasPrefix(map) }

    /// As it was before it was put off.
    static func plain(_ name: String) -> String {
        name.hasPrefix(next) ? String(name.dropFirst(next.count)) : name
    }
}

extension LinearRule {
    /// What asks the map: `meta nfproto vmap @…`.
    static func asking(_ map: String) -> Self {
        Self(
            [.meta(.nfproto, into: .first), .verdictLookup(map: map, .first)],
            comment:
                "a new policy waits for dockernft confirm; past its time, the map is empty and what follows decides")
    }
}
