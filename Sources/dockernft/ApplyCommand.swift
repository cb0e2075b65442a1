internal import ArgumentParser
internal import Console
internal import FoundationEssentials
internal import Nftables
internal import NftablesKernel
internal import Presentation
internal import Reconcile
internal import State

struct Apply: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Make the kernel equal to the policy, in one transaction.",
        discussion: """
            Says first who gains and who loses what. When the kernel is as the policy says, nothing is sent. When anything \
            is wrong, nothing is changed: the rules in force stay. Docker is asked what it runs; where it cannot be, and the policy \
            names services by their containers, that is wrong too.
            """)

    static let foreignTable =
        "dockernft: the kernel has a table inet dockernft that dockernft did not make; 'dockernft apply --adopt' replaces it"

    @OptionGroup var policy: PolicyArgument
    @OptionGroup var kernel: KernelOptions
    @OptionGroup var output: OutputOptions
    @OptionGroup var docker: DockerOptions
    @OptionGroup var diagnostics: DiagnosticOptions

    @Flag(help: "Say what would be done, and do nothing.")
    var dryRun = false

    @Flag(help: "Also show what changes in the table.")
    var rules = false

    @Flag(help: "Replace a table of our name that somebody else made.")
    var adopt = false

    mutating func run() throws {
        let file = try PolicyFile.read(policy.path, diagnostics)
        let session = try KernelSession(kernel)
        let sighting = docker.look()
        let target = try file.target(sighting, kept: session.inventory, diagnostics)
        var isShown = false
        attempts: for _ in 1...Self.conditionalAttempts {
            switch try step(target, session, &isShown) {
            case .isDone:
                if !dryRun { keep(sighting, session) }
                return
            case .wasOvertaken: continue
            case .couldNotLook: break attempts
            }
        }
        try remake(target, session)
        keep(sighting, session)
    }

    /// For a time when Docker cannot be asked, and for `status`: what the rules in force were made with.
    private func keep(_ sighting: Sighting, _ session: KernelSession) {
        switch sighting {
        case .absent, .unreachable: break
        case .notAsked: session.forgetInventory()
        case .seen(let inventory):
            do {
                try session.keep(inventory)
            } catch {
                Console.report("dockernft: note: what Docker runs is not kept in \(kernel.runtimeDirectory): \(error)")
            }
        }
    }

    /// After so many, somebody must be changing tables without a pause.
    private static let conditionalAttempts = 8

    private enum Outcome {
        case isDone
        /// Somebody committed between our look and our commit; nothing was changed.
        case wasOvertaken
        /// Somebody committed again and again during our look.
        case couldNotLook
    }

    private func step(_ target: PolicyTarget, _ session: KernelSession, _ isShown: inout Bool) throws -> Outcome {
        let live: LiveTable
        do {
            live = try LiveTable.read(session)
        } catch {
            if error.isInterrupted, !dryRun { return .couldNotLook }
            throw error
        }
        try refuseForeign(live.ruleset?.table)
        let step = LivePlan(target, against: live)
        if !isShown { try show(step) }
        isShown = true
        if dryRun { return .isDone }
        if step.difference.isEmpty {
            if !live.isUntouched { remember(target, session, of: live.generation) }
            return .isDone
        }
        do {
            try session.commit(step.difference.changes, at: live.generation)
        } catch {
            if error.isStaleGeneration { return .wasOvertaken }
            throw error
        }
        try conclude(target, session, after: live.generation)
        return .isDone
    }

    /// Changes hold for one generation only. Where others never stop to commit, the table is made anew instead: that is right
    /// whatever it has become, and takes effect in one step as well.
    private func remake(_ target: PolicyTarget, _ session: KernelSession) throws {
        try refuseForeign(try session.header())
        Console.report(
            "dockernft: others keep changing tables; ours is made anew in one step, and its counters start at zero")
        let table = target.ruleset.table
        try session.commit(
            [.addTable(table), .deleteTable(name: table.name)] + Difference(from: nil, to: target.linear).changes)
        try conclude(target, session, after: nil)
    }

    private func refuseForeign(_ table: Table?) throws {
        guard let table, !adopt, LiveTable.isForeign(table) else { return }
        Console.report(Self.foreignTable)
        throw ExitStatus.no
    }

    private func show(_ step: LivePlan) throws {
        let plan = step.plan
        if output.json {
            Console.print(try plan.json())
        } else if plan.difference.isEmpty {
            Console.print("nothing to do: the kernel is as \(policy.path) says")
        } else {
            PlanPrinter.show(plan, withRules: rules, coloured: diagnostics.colour.isColoured(.output))
        }
    }

    /// Reads back what is in force, and keeps a record of it.
    ///
    /// Of elements there is no need: the kernel took them whole or not at all. Unless somebody has committed since `generation`,
    /// the one that our commit replaced: then it may have been to our table, and all of it is read.
    private func conclude(_ target: PolicyTarget, _ session: KernelSession, after generation: UInt32?) throws {
        do {
            var table = try session.outline()
            var desired = target.linear.outline
            if let outline = table, outline.generation != generation.map(Self.successor) {
                table = try session.table()
                desired = target.linear
            }
            guard let table else {
                Console.report("dockernft: the kernel took the table, and somebody has deleted it since")
                throw ExitStatus.trouble
            }
            guard Difference(from: table.ruleset, oddities: table.oddities.map(\.description), to: desired).isEmpty
            else {
                Console.report(
                    "dockernft: the kernel took the table, and somebody has changed it since; see dockernft diff")
                throw ExitStatus.trouble
            }
            remember(target, session, table)
        } catch let error as NetlinkError where error.isInterrupted {
            // The kernel has said that it took it. Without a record the next command looks again.
            Console.report("dockernft: note: others keep changing tables; ours could not be read back")
        }
        if !output.json { Console.print("applied \(policy.path)") }
    }

    /// The kernel leaves out zero (nf_tables_api.c, nf_tables_commit).
    private static func successor(_ generation: UInt32) -> UInt32 { generation == .max ? 1 : generation + 1 }

    private func remember(_ target: PolicyTarget, _ session: KernelSession, of generation: UInt32) {
        guard let table = try? session.outline(), table.generation == generation else { return }
        remember(target, session, table)
    }

    /// A record that cannot be kept costs time at the next command, and nothing else.
    private func remember(_ target: PolicyTarget, _ session: KernelSession, _ table: ObservedTable) {
        guard let cookie = session.namespaceCookie else { return }
        let record = AppliedRecord(
            policyPath: policy.path, appliedAt: Int64(Date().timeIntervalSince1970), digest: target.digest,
            place: .init(
                boot: RuntimeDirectory.boot, namespace: cookie, generation: table.generation, table: table.handle),
            elements: Dictionary(target.linear.sets.map { ($0.name, $0.elements) }) { first, _ in first })
        do {
            try session.directory.keep(record)
        } catch {
            Console.report("dockernft: note: no record kept in \(kernel.runtimeDirectory): \(error)")
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
