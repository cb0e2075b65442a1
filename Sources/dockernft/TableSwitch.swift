internal import Compiler
internal import Confirmation
internal import Console
internal import FoundationEssentials
internal import Nftables
internal import NftablesKernel
internal import Reconcile
internal import State

/// Makes of a table in which a policy waits one of the two that it is made of. Nothing but the kernel's table is needed for it.
struct TableSwitch {
    let session: KernelSession

    enum Choice {
        case next
        case plain
    }

    /// What there was, and what was made of it.
    enum Result {
        case nothingWaits
        case expired
        /// Somebody has changed what was to be confirmed. Nothing was sent.
        case damaged(String)
        case done(WaitingTable)
    }

    private static let attempts = 8

    /// For whoever has the turn. What has expired cannot be confirmed, and is not touched then.
    func run(_ choice: Choice) throws -> Result {
        for attempt in 1...Self.attempts {
            let live = try LiveTable.read(session)
            guard let waiting = live.waiting, !live.isForeign else { return .nothingWaits }
            let desired: LinearRuleset?
            switch choice {
            case .plain: desired = waiting.plain
            case .next:
                if waiting.isExpired { return .expired }
                if let damage = live.oddities.first ?? waiting.damage { return .damaged(damage) }
                desired = waiting.next
            }
            do {
                // Who commits all the time does so elsewhere: against ours the last attempt may fail, and changes nothing then.
                try session.commit(
                    Self.changes(live, desired), at: attempt < Self.attempts ? live.generation : nil)
            } catch {
                guard error.isStaleGeneration, attempt < Self.attempts else { throw error }
                continue
            }
            if attempt == Self.attempts { warnOfDamage() }
            remember(desired, live, choice)
            return .done(waiting)
        }
        return .nothingWaits
    }

    /// What was sent whatever there was in the meantime holds for what was read before.
    private func warnOfDamage() {
        if let table = try? session.table(), !LiveTable.isIntact(table) {
            Console.report("dockernft: note: somebody has changed these rules; see dockernft diff")
        }
    }

    private static func changes(_ live: LiveTable, _ desired: LinearRuleset?) -> [Change] {
        guard let desired else { return [.deleteTable(name: Compiler.tableName)] }
        return Difference(from: live.ruleset, to: desired).changes
    }

    /// A record is kept where somebody else's commit has not come in between, and of no table that somebody had changed before.
    private func remember(_ desired: LinearRuleset?, _ live: LiveTable, _ choice: Choice) {
        guard let desired, let table = try? session.outline(),
            table.generation == KernelConnection.generation(after: live.generation), table.oddities.isEmpty,
            LiveTable.isAsDigested(desired)
        else { return }
        let source: AppliedRecord.Waiting =
            switch choice {
            case .plain: .settled(in: live.record)
            case .next:
                live.record?.waiting ?? .init(policyPath: "", appliedAt: Int64(Date().timeIntervalSince1970))
            }
        if let record = session.record(of: desired, in: table, from: source) { try? session.keep(record) }
    }
}

extension WaitingTable {
    /// What is in force when nothing waits any more.
    var before: String {
        plain == nil ? "as before, no rules of ours are in force" : "the rules of before are in force"
    }

    /// For who compares with the rules of before.
    var note: String {
        guard let remaining else {
            return
                "dockernft: note: the time of a policy is up that nobody confirmed; what is left of it goes with the next apply"
        }
        return "dockernft: note: a policy waits to be confirmed, for \(TimeText.duration(remaining)) more; "
            + "this is about the rules of before"
    }

    /// Why it cannot be told what would be confirmed; nil where it is what was applied.
    var damage: String? {
        if let fault = faults.first { return fault }
        return LiveTable.isAsDigested(next) ? nil : "its rules are not those that were applied"
    }
}
