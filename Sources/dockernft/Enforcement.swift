internal import Compiler
internal import Confirmation
internal import Console
internal import FoundationEssentials
internal import Nftables
internal import NftablesKernel
internal import Reconcile
internal import State

/// Makes the kernel's table equal to a target, however often others commit meanwhile, and keeps a record of it.
struct Enforcement {
    let target: PolicyTarget
    let session: KernelSession
    let foreignTables: ForeignTables
    var lockout = LockoutGuard.off
    var term = Term.forGood

    /// How long it is to last.
    enum Term {
        case forGood
        /// So many milliseconds, unless it is confirmed meanwhile.
        case onTrial(milliseconds: UInt64)
    }

    /// A table of our name that somebody else made.
    enum ForeignTables {
        case areRefused
        case areReplaced
    }

    enum Result {
        /// Nothing was sent.
        case wasInForce
        case isInForce(ReadBack)
        /// In force until it is confirmed or its time is up.
        case waits
    }

    enum ReadBack {
        case asSent
        /// Somebody committed again and again. The kernel has said that it took it; without a record the next command looks again.
        case couldNotLook
    }

    /// Why the kernel has taken a table and it is not in force.
    enum Loss: Error {
        case foreign
        case deleted(Term)
        case changed(Term)
        /// Another policy waits to be confirmed, for so many milliseconds more. Nothing was sent.
        case waiting(milliseconds: UInt64)
        /// There is no telling how to go back to the table as it is. Nothing was sent.
        case noWayBack(String)

        static func noWayBack(oddity: String) -> Self { .noWayBack("somebody has changed the table: \(oddity)") }
    }

    /// After so many, somebody must be changing tables without a pause.
    private static let conditionalAttempts = 8

    /// `show` is called once, with the first difference that was found, also where it is empty.
    func run(showing show: (LivePlan) throws -> Void) throws -> Result {
        var isShown = false
        for _ in 1...Self.conditionalAttempts {
            let live: LiveTable
            do {
                live = try LiveTable.read(session)
            } catch {
                guard error.isInterrupted else { throw error }
                break
            }
            try refuseForeign(live.ruleset?.table)
            let desired = try desired(live)
            let step = LivePlan(target, against: live, becoming: desired)
            if !isShown { try show(step) }
            isShown = true
            if step.difference.isEmpty {
                if !live.isUntouched { remember(of: live.generation, desired, live.record) }
                return .wasInForce
            }
            try lockout.admit(step, session)
            let last: UInt32
            do {
                last = try commit(step.difference.changes, at: live.generation)
            } catch {
                guard error.isStaleGeneration else { throw error }
                continue
            }
            let readBack = try conclude(desired, live.record, after: last)
            return WaitingTable(in: desired) == nil ? .isInForce(readBack) : .waits
        }
        switch term {
        case .forGood: return .isInForce(try remake())
        case .onTrial:
            // Perhaps it was made, and nothing led to it yet.
            _ = try? TableSwitch(session: session).run(.plain)
            throw Loss.noWayBack("others keep changing tables")
        }
    }

    /// The generation that the last commit replaced.
    ///
    /// The kernel ends a commit with what sets of intervals hold: the rules of the same commit look them up for a moment as they were, and find nothing
    /// in new ones. So what is to be on trial is made first, with maps that lead nowhere, as when its time is up; then they lead to it.
    private func commit(_ changes: [Change], at generation: UInt32) throws(NetlinkError) -> UInt32 {
        let ways = changes.filter(\.isWayToTrial)
        let rest = changes.filter { !$0.isWayToTrial }
        guard !ways.isEmpty, !rest.isEmpty else {
            try session.commit(changes, at: generation)
            return generation
        }
        try session.commit(rest, at: generation)
        let next = KernelConnection.generation(after: generation)
        try session.commit(ways, at: next)
        return next
    }

    /// What the kernel's table is to become.
    private func desired(_ live: LiveTable) throws(Loss) -> LinearRuleset {
        if let remaining = live.waiting?.remaining { throw .waiting(milliseconds: remaining) }
        switch term {
        case .forGood: return target.linear
        case .onTrial(let milliseconds):
            if Difference(from: live.settled, oddities: live.oddities, to: target.linear).isEmpty {
                return target.linear
            }
            if let oddity = live.oddities.first { throw .noWayBack(oddity: oddity) }
            return WaitingTable.joined(live.settled, target.linear, timeout: milliseconds)
        }
    }

    /// Changes hold for one generation only. Where others never stop to commit, the table is made anew instead: that is right
    /// whatever it has become, and takes effect in one step as well.
    private func remake() throws -> ReadBack {
        try refuseForeign(try session.header())
        if let remaining = (try? session.waiting())?.remaining {
            throw Loss.waiting(milliseconds: remaining)
        }
        try lockout.admit(target, inForce: nil, session)
        Console.report(
            "dockernft: others keep changing tables; ours is made anew in one step, and its counters start at zero")
        let table = target.ruleset.table
        try session.commit(
            [.addTable(table), .deleteTable(name: table.name)] + Difference(from: nil, to: target.linear).changes)
        return try conclude(target.linear, nil, after: nil)
    }

    private func refuseForeign(_ table: Table?) throws {
        guard let table, LiveTable.isForeign(table) else { return }
        switch foreignTables {
        case .areRefused: throw Loss.foreign
        case .areReplaced: return
        }
    }

    /// Reads back what is in force, and keeps a record of it.
    ///
    /// Of elements there is no need: the kernel took them whole or not at all. Unless somebody has committed since `generation`,
    /// the one that our commit replaced: then it may have been to our table, and all of it is read.
    private func conclude(
        _ wanted: LinearRuleset, _ record: AppliedRecord?, after generation: UInt32?
    ) throws -> ReadBack {
        do {
            var table = try session.outline()
            var desired = wanted.outline
            if let outline = table, outline.generation != generation.map(KernelConnection.generation(after:)) {
                table = try session.table()
                desired = wanted
            }
            guard let table else { throw Loss.deleted(term(of: wanted)) }
            // A short time may be up before all is written.
            let difference = Difference(
                from: table.ruleset.withoutWhatExpires, oddities: table.oddities.map(\.description),
                to: desired.withoutWhatExpires)
            guard difference.isEmpty else { throw Loss.changed(term(of: wanted)) }
            remember(table, wanted, record)
            return .asSent
        } catch let error as NetlinkError where error.isInterrupted {
            return .couldNotLook
        }
    }

    private func term(of wanted: LinearRuleset) -> Term { WaitingTable(in: wanted) == nil ? .forGood : term }

    // MARK: The record

    private func remember(of generation: UInt32, _ wanted: LinearRuleset, _ record: AppliedRecord?) {
        guard let table = try? session.outline(), table.generation == generation else { return }
        remember(table, wanted, record)
    }

    /// A record that cannot be kept costs time at the next command, and nothing else.
    private func remember(_ table: ObservedTable, _ wanted: LinearRuleset, _ before: AppliedRecord?) {
        let new = AppliedRecord.Waiting(
            policyPath: target.path, appliedAt: Int64(Date().timeIntervalSince1970))
        let isWaiting = WaitingTable(in: wanted) != nil
        let record = session.record(
            of: wanted, in: table, from: isWaiting ? .settled(in: before) : new, waiting: isWaiting ? new : nil)
        guard let record else { return }
        do {
            try session.keep(record)
        } catch {
            Console.report("dockernft: note: no record kept in \(session.directory.path): \(error)")
        }
    }
}

extension Enforcement.Loss {
    var text: String {
        switch self {
        case .foreign: Apply.foreignTable
        case .deleted(.forGood): "dockernft: the kernel took the table, and somebody has deleted it since"
        case .deleted(.onTrial):
            "dockernft: the kernel took the table, and somebody has deleted it since: nothing is on trial, "
                + "and neither the new rules nor those of before are in force"
        case .changed(.forGood):
            "dockernft: the kernel took the table, and somebody has changed it since; see dockernft diff"
        case .changed(.onTrial(let milliseconds)):
            "dockernft: the kernel took the table, and somebody has changed it since; see dockernft status. The policy is on trial: "
                + "the kernel takes it back in \(TimeText.duration(milliseconds)), and 'dockernft rollback' at once"
        case .waiting(let milliseconds):
            "dockernft: a policy waits to be confirmed, for \(TimeText.duration(milliseconds)) more; "
                + "'dockernft confirm' keeps it, 'dockernft rollback' takes it back: then apply again"
        case .noWayBack(let reason):
            "dockernft: \(reason): there would be no exact way back, and nothing was changed; "
                + "without --confirm-within it can be applied"
        }
    }

    var status: ExitStatus {
        switch self {
        case .foreign, .waiting, .noWayBack: .no
        case .deleted, .changed: .trouble
        }
    }
}

extension LinearRuleset {
    /// All but what its sets hold.
    fileprivate var outline: Self {
        var outline = self
        for index in outline.sets.indices { outline.sets[index].elements = .keyed([]) }
        return outline
    }

    fileprivate var withoutWhatExpires: Self {
        var rest = self
        for index in rest.sets.indices where sets[index].timesOut { rest.sets[index].elements = .keyed([]) }
        return rest
    }
}

extension Change {
    fileprivate var isWayToTrial: Bool {
        if case .addElements(set: let set, _) = self { set.timesOut } else { false }
    }
}
