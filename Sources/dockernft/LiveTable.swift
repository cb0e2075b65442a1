internal import Compiler
internal import Nftables
internal import NftablesKernel
internal import State

/// The kernel's table of our name, as it is now.
struct LiveTable {
    /// Nil where the kernel has no such table.
    var ruleset: LinearRuleset?
    var oddities: [String] = []
    var generation: UInt32
    var counters: [String: CounterReading] = [:]
    var record: AppliedRecord?
    /// Whether it is known, without a look at the elements, that nobody has changed anything since the last apply.
    var isUntouched = false
    /// Somebody has put all its rules out of force.
    var isDormant = false

    var isForeign: Bool { ruleset.map { Self.isForeign($0.table) } ?? false }

    /// Made by somebody else.
    static func isForeign(_ table: Table) -> Bool { table.comment != Compiler.tableComment }

    /// Reads the table. Elements are taken from the record of the last apply where the kernel's generation says that they must
    /// still be the same.
    static func read(_ kernel: KernelSession) throws(NetlinkError) -> Self {
        let record = kernel.record().flatMap { $0.place.boot == RuntimeDirectory.boot ? $0 : nil }
        if let record, record.place.generation == (try kernel.generation()), let table = try kernel.outline(),
            table.handle == record.place.table, table.generation == record.place.generation,
            Compiler.digest(of: table.ruleset) == record.digest
        {
            var live = Self(table)
            live.record = record
            live.isUntouched = true
            live.ruleset?.sets = table.ruleset.sets.map { set in
                var set = set
                if let elements = record.elements[set.name] { set.elements = elements }
                return set
            }
            return live
        }
        guard let table = try kernel.table() else {
            return Self(ruleset: nil, generation: try kernel.generation())
        }
        var live = Self(table)
        live.record = record.flatMap { $0.place.table == table.handle ? $0 : nil }
        return live
    }

    private init(_ table: ObservedTable) {
        ruleset = table.ruleset
        isDormant = table.oddities.contains { $0.place == .table && $0.text.hasPrefix("dormant") }
        oddities = table.oddities.map(\.description)
        generation = table.generation
        counters = table.counters
    }

    private init(ruleset: LinearRuleset?, generation: UInt32) {
        self.ruleset = ruleset
        self.generation = generation
    }
}
