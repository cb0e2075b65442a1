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

    /// A table of our name that somebody else made.
    enum ForeignTables {
        case areRefused
        case areReplaced
    }

    enum Result {
        /// Nothing was sent.
        case wasInForce
        case isInForce(ReadBack)
    }

    enum ReadBack {
        case asSent
        /// Somebody committed again and again. The kernel has said that it took it; without a record the next command looks again.
        case couldNotLook
    }

    /// Why the kernel has taken a table and it is not in force.
    enum Loss: Error {
        case foreign
        case deleted
        case changed
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
            let step = LivePlan(target, against: live)
            if !isShown { try show(step) }
            isShown = true
            if step.difference.isEmpty {
                if !live.isUntouched { remember(of: live.generation) }
                return .wasInForce
            }
            try lockout.admit(step, session)
            do {
                try session.commit(step.difference.changes, at: live.generation)
            } catch {
                guard error.isStaleGeneration else { throw error }
                continue
            }
            return .isInForce(try conclude(after: live.generation))
        }
        return .isInForce(try remake())
    }

    /// Changes hold for one generation only. Where others never stop to commit, the table is made anew instead: that is right
    /// whatever it has become, and takes effect in one step as well.
    private func remake() throws -> ReadBack {
        try refuseForeign(try session.header())
        try lockout.admit(target, inForce: nil, session)
        Console.report(
            "dockernft: others keep changing tables; ours is made anew in one step, and its counters start at zero")
        let table = target.ruleset.table
        try session.commit(
            [.addTable(table), .deleteTable(name: table.name)] + Difference(from: nil, to: target.linear).changes)
        return try conclude(after: nil)
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
    private func conclude(after generation: UInt32?) throws -> ReadBack {
        do {
            var table = try session.outline()
            var desired = target.linear.outline
            if let outline = table, outline.generation != generation.map(KernelConnection.generation(after:)) {
                table = try session.table()
                desired = target.linear
            }
            guard let table else { throw Loss.deleted }
            guard Difference(from: table.ruleset, oddities: table.oddities.map(\.description), to: desired).isEmpty
            else { throw Loss.changed }
            remember(table)
            return .asSent
        } catch let error as NetlinkError where error.isInterrupted {
            return .couldNotLook
        }
    }

    // MARK: The record

    private func remember(of generation: UInt32) {
        guard let table = try? session.outline(), table.generation == generation else { return }
        remember(table)
    }

    /// A record that cannot be kept costs time at the next command, and nothing else.
    private func remember(_ table: ObservedTable) {
        guard let cookie = session.namespaceCookie else { return }
        let record = AppliedRecord(
            policyPath: target.path, appliedAt: Int64(Date().timeIntervalSince1970), digest: target.digest,
            place: .init(
                boot: RuntimeDirectory.boot, namespace: cookie, generation: table.generation, table: table.handle),
            elements: Dictionary(target.linear.sets.map { ($0.name, $0.elements) }) { first, _ in first })
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
        case .deleted: "dockernft: the kernel took the table, and somebody has deleted it since"
        case .changed: "dockernft: the kernel took the table, and somebody has changed it since; see dockernft diff"
        }
    }

    var status: ExitStatus {
        switch self {
        case .foreign: .no
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
}
