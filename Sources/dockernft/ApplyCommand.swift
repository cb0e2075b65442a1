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
            is wrong, nothing is changed: the rules in force stay.
            """)

    static let foreignTable =
        "dockernft: the kernel has a table inet dockernft that dockernft did not make; 'dockernft apply --adopt' replaces it"

    @OptionGroup var policy: PolicyArgument
    @OptionGroup var kernel: KernelOptions
    @OptionGroup var output: OutputOptions
    @OptionGroup var diagnostics: DiagnosticOptions

    @Flag(help: "Say what would be done, and do nothing.")
    var dryRun = false

    @Flag(help: "Also show what changes in the table.")
    var rules = false

    @Flag(help: "Replace a table of our name that somebody else made.")
    var adopt = false

    mutating func run() throws {
        let target = try PolicyFile.target(policy.path, diagnostics.diagnostics)
        var connection = try KernelConnection(namespace: kernel.namespacePath)
        var commits = Commits()
        while true {
            let live: LiveTable
            do {
                live = try LiveTable.read(&connection, kernel.directory)
            } catch where error.isInterrupted && !dryRun {
                // Others commit so fast that a large table cannot be read between two of them.
                try refuseForeign(try connection.readTable(named: target.ruleset.table.name, elements: .none)?.ruleset)
                try Commits.remake(target, &connection)
                try conclude(target, &connection)
                return
            }
            try refuseForeign(live.ruleset)
            let step = LivePlan(target, against: live)
            if commits.isFirst { try show(step) }
            if dryRun { return }
            if step.difference.isEmpty {
                if !live.isUntouched { remember(target, live.generation, &connection) }
                return
            }
            do {
                try commits.make(step, target, &connection)
                try conclude(target, &connection)
                return
            } catch let error as NetlinkError where error.isStaleGeneration && commits.mayRepeat {
                continue
            }
        }
    }

    private func refuseForeign(_ ruleset: LinearRuleset?) throws {
        guard let ruleset, !adopt, LiveTable.isForeign(ruleset) else { return }
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
            PlanPrinter.show(plan, withRules: rules, coloured: output.isColoured)
        }
    }

    /// Reads back all but the elements, which the kernel took whole or not at all, and keeps a record.
    private func conclude(_ target: PolicyTarget, _ connection: inout KernelConnection) throws {
        guard let table = try connection.readTable(named: target.ruleset.table.name, elements: .none) else {
            Console.report("dockernft: the kernel took the table, and somebody has deleted it since")
            throw ExitStatus.trouble
        }
        var expected = target.linear
        for index in expected.sets.indices { expected.sets[index].elements = .keyed([]) }
        var held = table.ruleset
        for index in held.sets.indices { held.sets[index].elements = .keyed([]) }
        guard Difference(from: held, oddities: table.oddities.map(\.description), to: expected).isEmpty else {
            Console.report("dockernft: the kernel took the table, and somebody has changed it since; see dockernft diff")
            throw ExitStatus.trouble
        }
        remember(target, table.generation, &connection)
        if !output.json { Console.print("applied \(policy.path)") }
    }

    /// A record that cannot be kept costs time at the next command, and nothing else.
    private func remember(_ target: PolicyTarget, _ generation: UInt32, _ connection: inout KernelConnection) {
        guard let cookie = connection.namespaceCookie,
            let table = try? connection.readTable(named: target.ruleset.table.name, elements: .none),
            table.generation == generation
        else { return }
        let record = AppliedRecord(
            policyPath: policy.path, appliedAt: Int64(Date().timeIntervalSince1970), digest: target.digest,
            place: .init(
                boot: RuntimeDirectory.boot, namespace: cookie, generation: generation, table: table.handle),
            elements: Dictionary(target.linear.sets.map { ($0.name, $0.elements) }) { first, _ in first })
        do {
            try kernel.directory.keep(record)
        } catch {
            Console.report("dockernft: note: no record kept in \(kernel.runtimeDirectory): \(error)")
        }
    }
}

/// Tries to commit, as often as others get in between.
private struct Commits {
    /// So many that somebody must be changing tables without a pause.
    private static let conditional = 8

    private var tries = 0

    var isFirst: Bool { tries == 0 }
    var mayRepeat: Bool { tries <= Self.conditional }

    mutating func make(_ step: LivePlan, _ target: PolicyTarget, _ connection: inout KernelConnection) throws {
        tries += 1
        if tries > Self.conditional { return try Self.remake(target, &connection) }
        try connection.commit(
            Transaction(
                table: target.ruleset.table.name, changes: step.difference.changes, generation: step.live.generation))
    }

    /// Changes hold for one generation only. Where others never stop to commit, the table is made anew instead: that is right
    /// whatever it has become, and takes effect in one step as well.
    static func remake(_ target: PolicyTarget, _ connection: inout KernelConnection) throws {
        let table = target.ruleset.table
        let changes = [.addTable(table), .deleteTable(name: table.name)] + Difference(from: nil, to: target.linear).changes
        Console.report(
            "dockernft: others keep changing tables; ours is made anew in one step, and its counters start at zero")
        try connection.commit(Transaction(table: table.name, changes: changes))
    }
}
