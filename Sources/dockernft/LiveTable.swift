internal import Compiler
internal import Confirmation
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

    /// The policy that waits in it to be confirmed, or what is left of it when its time is up.
    var waiting: WaitingTable?

    /// The rules that nothing will take back: where a policy waits, those of before.
    var settled: LinearRuleset? {
        if let waiting { waiting.plain } else { ruleset }
    }

    /// The same as if nothing waited, nor was left of what did.
    var withoutWaiting: Self {
        var live = self
        live.ruleset = settled
        live.waiting = nil
        return live
    }

    /// The table carries the digest of what was applied; what it is now has the same, or it was changed.
    func isIntact(_ ruleset: LinearRuleset) -> Bool {
        // What is known of a table in which a policy waits is what it was made of, and not whether its old part had been changed before.
        if isUntouched, waiting == nil { return true }
        guard oddities.isEmpty else { return false }
        guard let waiting else { return Self.isAsDigested(ruleset) }
        return waiting.damage == nil && waiting.plain.map(Self.isAsDigested) ?? true
    }

    static func isIntact(_ table: ObservedTable) -> Bool { table.oddities.isEmpty && isAsDigested(table.ruleset) }

    static func isAsDigested(_ ruleset: LinearRuleset) -> Bool {
        Compiler.digest(of: ruleset) == PolicyDigest.hexadecimal(of: ruleset)
    }

    var isForeign: Bool { ruleset.map { Self.isForeign($0.table) } ?? false }

    /// Made by somebody else.
    static func isForeign(_ table: Table) -> Bool { table.comment != Compiler.tableComment }

    /// Reads the table. Elements are taken from the record of the last apply where the kernel's generation says that they must
    /// still be the same.
    static func read(_ kernel: KernelSession) throws(NetlinkError) -> Self {
        let record = kernel.record().flatMap { $0.place.boot == RuntimeDirectory.boot ? $0 : nil }
        if let record, record.place.generation == (try kernel.generation()), let table = try kernel.outline(),
            table.handle == record.place.table, table.generation == record.place.generation,
            (Compiler.digest(of: table.ruleset) ?? "") == record.digest
        {
            var live = Self(table)
            live.record = record
            live.isUntouched = true
            live.ruleset?.sets = table.ruleset.sets.map { set in
                var set = set
                if !set.timesOut, let elements = record.elements[set.name] { set.elements = elements }
                return set
            }
            live.waiting = live.ruleset.flatMap { WaitingTable(in: $0) }
            return live
        }
        guard let table = try kernel.table() else {
            return Self(ruleset: nil, generation: try kernel.generation())
        }
        var live = Self(table)
        live.waiting = WaitingTable(in: table.ruleset)
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
