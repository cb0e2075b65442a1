internal import ArgumentParser
internal import Confirmation
internal import Console
internal import Presentation
internal import Reconcile

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

    @Flag(help: "Apply it also where it cuts off connections of SSH, your own for one.")
    var lockMeOut = false

    @Option(
        help: ArgumentHelp(
            "Have the kernel take it back after so long (60s, 5m, 1h), unless it is confirmed: at the prompt, where there is a terminal, or by 'dockernft confirm'.",
            valueName: "time"),
        transform: ConfirmationTime.argument)
    var confirmWithin: ConfirmationTime?

    @Option(
        help: ArgumentHelp(
            "Instead of a file: what was applied before, by its number in 'dockernft history', or by the beginning of its digest.",
            valueName: "entry"))
    var rollbackTo: String?

    func validate() throws {
        if confirmWithin != nil, adopt {
            throw ValidationError(
                "--adopt replaces what there was: it cannot be taken back, and goes without --confirm-within")
        }
        if rollbackTo != nil, policy.path != PolicyArgument.standardPath {
            throw ValidationError("--rollback-to takes the policy out of the history: no file goes with it")
        }
    }

    mutating func run() throws {
        let past = try rollbackTo.map { try PastPolicy($0, in: kernel.history) }
        let file = try past?.file(diagnostics) ?? PolicyFile.read(policy.path, diagnostics)
        let name = past?.name ?? policy.path
        let prompt = dryRun || output.json ? nil : try confirmWithin.flatMap { _ in try ConfirmationPrompt() }
        let session = try KernelSession(kernel)
        let sighting = session.trusting(docker.look())
        let target = try file.target(sighting, on: session, diagnostics)
        if dryRun { return try compare(target, session, name) }
        let enforcement = Enforcement(
            target: target, session: session, foreignTables: adopt ? .areReplaced : .areRefused,
            lockout: lockMeOut ? .warns : .refuses,
            term: confirmWithin.map { .onTrial(milliseconds: $0.milliseconds) } ?? .forGood)
        // Whoever reads the plan may take his time: the turn does not wait for him.
        var plan: Plan?
        var result = Enforcement.Result.wasInForce
        var unwritten: OutputFailure?
        do {
            defer { if let plan { collect(&unwritten) { try show(plan, name) } } }
            try session.inTurn(.unless { prompt?.isInterrupted == true }) {
                result = try session.keeping(file.texts(of: target), enforcement.term) {
                    try enforcement.run { plan = $0.plan(on: session) }
                }
                keep(sighting, session)
            }
        } catch let loss as Enforcement.Loss {
            Console.report(loss.text)
            throw loss.status
        } catch let refusal as LockoutGuard.Refusal {
            refusal.report()
            throw ExitStatus.no
        }
        if case .waits = result, let prompt {
            collect(&unwritten) { if let text = plan?.cutText { try Console.print(text) } }
            past?.remindOfFiles()
            return try prompt.ask(about: name, session)
        }
        collect(&unwritten) { try conclude(result, plan, name) }
        past?.remindOfFiles()
        guard let unwritten else { return }
        switch result {
        case .wasInForce: throw unwritten
        case .isInForce: throw unwritten.despite("applied \(name)")
        case .waits: throw unwritten.despite("applied \(name), \(ApplyTerm.text(confirmWithin?.milliseconds ?? 0))")
        }
    }

    /// What is done stays done, and its record is kept, where nobody can be told of it: the failure waits for the end.
    private func collect(_ unwritten: inout OutputFailure?, _ output: () throws -> Void) {
        do {
            try output()
        } catch let failure as OutputFailure {
            unwritten = unwritten ?? failure
        } catch {}
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

    private func compare(_ target: PolicyTarget, _ session: KernelSession, _ name: String) throws {
        let live = try LiveTable.read(session)
        if live.isForeign, !adopt {
            Console.report(Self.foreignTable)
            throw ExitStatus.no
        }
        if let remaining = live.waiting?.remaining {
            let loss = Enforcement.Loss.waiting(milliseconds: remaining)
            Console.report(loss.text)
            throw loss.status
        }
        let step = LivePlan(target, against: live)
        let plan = step.plan(on: session)
        if confirmWithin != nil, !plan.difference.isEmpty, let oddity = live.oddities.first {
            let loss = Enforcement.Loss.noWayBack(oddity: oddity)
            Console.report(loss.text)
            throw loss.status
        }
        try show(plan, name)
        if let confirmWithin, !plan.difference.isEmpty, !output.json {
            let time = TimeText.duration(confirmWithin.milliseconds)
            try Console.print("it would be in force for \(time), and then be taken back unless it is confirmed")
        }
        do {
            try (lockMeOut ? LockoutGuard.warns : .refuses).admit(step, session)
        } catch let refusal as LockoutGuard.Refusal {
            refusal.report()
            throw ExitStatus.no
        }
    }

    private func show(_ plan: Plan, _ name: String) throws {
        if output.json {
            try Console.print(plan.json())
        } else if plan.difference.isEmpty {
            try Console.print("nothing to do: the kernel is as \(name) says")
        } else {
            try PlanPrinter.show(plan, withRules: rules, coloured: diagnostics.colour.isColoured(.output))
        }
    }

    private func conclude(_ result: Enforcement.Result, _ plan: Plan?, _ name: String) throws {
        switch result {
        case .wasInForce: return
        case .isInForce(.asSent), .waits: break
        case .isInForce(.couldNotLook):
            Console.report("dockernft: note: others keep changing tables; ours could not be read back")
        }
        if !output.json {
            if let text = plan?.cutText { try Console.print(text) }
            try Console.print("applied \(name)")
        }
        guard case .waits = result else { return }
        let text = ApplyTerm.text(confirmWithin?.milliseconds ?? 0)
        if output.json { Console.report(text) } else { try Console.print(text) }
    }
}
