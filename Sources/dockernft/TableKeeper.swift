internal import Compiler
internal import Console
internal import Daemon
internal import Diagnostics
internal import Docker
internal import Nftables
internal import NftablesKernel
internal import Policy
internal import Presentation
internal import Reconcile
internal import State

/// Keeps the table of one network namespace as it was asked for last, until it is told to end.
final class TableKeeper {
    let session: KernelSession
    let log: WatchLog
    let service: ServiceNotification
    private var monitor: RulesetMonitor
    private let engine: EngineLine?
    private let policyPath: String
    private let diagnostics: DiagnosticOptions

    /// What the policy in force is made of, and what it is with what Docker runs.
    struct Wanted {
        var texts: KeptPolicy.Texts
        var file: PolicyFile
        var target: PolicyTarget
    }

    /// Nil after a removal.
    var wanted: Wanted?
    /// While a policy waits to be confirmed.
    var trial: Trial?
    private var inventory = Inventory()
    var provocation = Provocation()
    private var lastFindings = ""
    private var lastUncovered: [String] = []
    private var isEngineAway = false
    /// Whether the inventory is an engine's word.
    private var hasHeardEngine = false
    private var isReady = false
    private var failures = 0

    /// After so many in a row without a success, another start may do better.
    private static let toleratedFailures = 5

    init(
        _ session: KernelSession, namespace: String?, policyPath: String, engine: EngineLine?,
        _ diagnostics: DiagnosticOptions, log: WatchLog, service: ServiceNotification
    ) throws {
        self.session = session
        self.policyPath = policyPath
        self.engine = engine
        self.diagnostics = diagnostics
        self.log = log
        self.service = service
        monitor = try RulesetMonitor(table: Compiler.tableName, namespace: namespace)
    }

    func run(until signals: borrowing Signals) throws {
        try begin()
        engine?.start()
        if engine == nil { becomeReady() }
        while true {
            let isReadable = try Waiting.untilReadable(
                [
                    signals.descriptor, monitor.descriptor, engine?.wakeup.descriptor ?? -1,
                    engine?.signDescriptor ?? -1,
                ], noLongerThan: timeToTrialsEnd)
            if isReadable[0] {
                for request in signals.take() {
                    switch request {
                    case .end: return service.stopping()
                    case .reload: try reload()
                    }
                }
            }
            if isReadable[3] { engine?.restartIfAlive() }
            if isReadable[2] { hearEngine() }
            if isReadable[1] { try hearKernel() }
            if let time = timeToTrialsEnd, time <= .zero { provocation.addUncertainty() }
            while !provocation.isEmpty { try answer() }
        }
    }

    // MARK: The beginning

    /// What was applied last is in force when this ends, or what the policy says where nothing was.
    private func begin() throws {
        inventory = (engine == nil ? nil : session.inventory) ?? Inventory()
        try session.inTurn {
            if try attendTrial(Provocation()) { return }
            switch try session.keptPolicy()?.wish {
            case .removed?:
                log.say("the table was removed with dockernft remove; nothing is put back until the next apply")
            case .inForce(let texts)?:
                try adopt(PolicyFile(texts))
                guard wanted != nil else { throw ExitStatus.no }
                try enforce(.areRefused) { "what was applied last, \(texts.path), is in force again: \($0.words)" }
            case nil:
                let file = PolicyFile.load(policyPath)
                try adopt(file)
                guard let wanted, file.passes(wanted.target, diagnostics) else { throw file.status }
                _ = try session.keeping(wanted.texts) {
                    try enforce(.areRefused) { "applied \(policyPath): \($0.words)" }
                }
            }
        }
    }

    private func becomeReady() {
        isReady = true
        log.say("watching: \(statusText)")
        service.ready(status: statusText)
    }

    var statusText: String {
        if trial != nil { return "a policy waits to be confirmed" }
        guard let wanted else { return "nothing is put back until the next apply" }
        let docker =
            engine == nil ? "" : isEngineAway ? ", Docker is away" : ", \(inventory.containers.count) containers"
        return "keeping \(wanted.file.path)\(docker)"
    }

    // MARK: What happens

    private func hearKernel() throws {
        for report in try monitor.take() {
            switch report {
            case .overrun:
                session.distrust()
                provocation.addUncertainty()
            case .commit(let commit) where commit.port == session.port: break
            case .commit(let commit) where commit.isConcerned:
                session.distrust()
                provocation.add(commit)
            case .commit(let commit): session.trust(through: commit.generation)
            }
        }
    }

    private func hearEngine() {
        guard let engine else { return }
        engine.wakeup.silence()
        for report in engine.follower.take() {
            switch report {
            case .ran(let found, let events):
                let new = session.trusting(found, earlier: inventory.proxyGroup)
                engine.forgetSigns()
                if isEngineAway { log.say("Docker is back at \(engine.path)") }
                isEngineAway = false
                hasHeardEngine = true
                if new != inventory || !isReady {
                    inventory = new
                    provocation.add(dockerEvents: events.isEmpty ? ["its list of containers"] : events)
                }
            case .away(let reason, let isOver):
                if isOver { engine.end() }
                if !isEngineAway { log.say("Docker cannot be asked, and what it ran last stays in force: \(reason)") }
                isEngineAway = true
            }
        }
        if !isReady, provocation.isEmpty { becomeReady() } else { service.status(statusText) }
    }

    // MARK: What is done about it

    private func answer() throws {
        do {
            try session.inTurn {
                // Whoever had the turn before may have committed; nothing that is older than this moment is unheard now.
                try hearKernel()
                let cause = provocation
                provocation = Provocation()
                // A trial begins with a commit, and needs no look where there was none.
                if trial != nil || cause.concernsTable, try attendTrial(cause) { return }
                if cause.concernsTable { try follow(cause) }
                if trial != nil {
                    trial = nil
                    service.status(statusText)
                }
                if !cause.dockerEvents.isEmpty { try resolveAgain() }
                try enforce(.areReplaced) { $0.line(cause) }
            }
            failures = 0
        } catch is Enforcement.Loss {
            // Somebody was quicker again; who it was is heard next.
            provocation.addUncertainty()
        } catch let error as NetlinkError {
            failures += 1
            if failures >= Self.toleratedFailures { throw error }
            log.say("\(error)")
            provocation.addUncertainty()
        }
        if !isReady { becomeReady() }
    }

    /// Another dockernft may have been asked for something else meanwhile.
    private func follow(_ cause: Provocation) throws {
        switch try session.keptPolicy()?.wish {
        case nil: try followUnkept(cause)
        case .removed?:
            if wanted != nil { log.say("removed by \(cause.author); nothing is put back until the next apply") }
            wanted = nil
            service.status(statusText)
        case .inForce(let texts)?:
            if let wanted, wanted.texts.path == texts.path, wanted.texts.files == texts.files { return }
            log.say("\(cause.author) has applied \(texts.path): that is kept from now on")
            try adopt(PolicyFile(texts))
            service.status(statusText)
        }
    }

    private func reload() throws {
        service.reloading()
        try session.inTurn {
            try hearKernel()
            if try attendTrial(Provocation()) {
                return log.say("the policy is not read anew while another one waits to be confirmed")
            }
            let before = wanted
            let file = PolicyFile.load(policyPath)
            lastFindings = ""
            guard let new = try resolve(file), file.passes(new.target, diagnostics) else {
                return log.say("\(policyPath) has errors: what was in force stays")
            }
            wanted = new
            do {
                _ = try session.keeping(new.texts) {
                    try enforce(.areReplaced, lockout: .refuses) { "read \(policyPath) anew: \($0.words)" }
                }
            } catch let refusal as LockoutGuard.Refusal {
                wanted = before
                log.say("\(policyPath) was not put in force, and what was stays:")
                refusal.report()
            } catch let error as NetlinkError {
                wanted = before
                log.say("\(policyPath) was not put in force: \(error)")
                provocation.addUncertainty()
            } catch is Enforcement.Loss {
                provocation.addUncertainty()
            }
        }
        if let engine, !engine.isFollowing { engine.start() }
        service.ready(status: statusText)
    }

    // MARK: Policies

    /// Where the policy cannot be resolved, what was wanted stays.
    func adopt(_ file: PolicyFile) throws {
        if let new = try resolve(file) { wanted = new }
    }

    private func resolveAgain() throws {
        guard let file = wanted?.file else { return }
        try adopt(file)
    }

    func resolve(_ file: PolicyFile) throws -> Wanted? {
        let lenient = file.loaded.requiringNothing
        let loaded = engine == nil ? lenient.resolvedWithoutDocker : lenient.resolved(against: inventory)
        let resolved = PolicyFile(path: file.path, loaded: loaded)
        // The same remarks again and again help nobody.
        let findings = loaded.diagnostics.map { "\($0.span.file):\($0.span.start.line) \($0.headline)" }.joined()
        if findings != lastFindings { resolved.report(diagnostics) }
        lastFindings = findings
        guard let policy = loaded.policy else { return nil }
        let target = try PolicyTarget(path: file.path, policy: policy, on: session)
        if target.uncovered != lastUncovered { for line in target.uncovered { log.say(line) } }
        lastUncovered = target.uncovered
        return Wanted(texts: file.texts(of: target), file: file, target: target)
    }

    /// `line` is asked what to say: nothing is said where nothing was done.
    @discardableResult
    private func enforce(
        _ foreignTables: Enforcement.ForeignTables, lockout: LockoutGuard = .off, _ line: (Act) -> String
    ) throws -> Enforcement.Result {
        guard let wanted else { return .wasInForce }
        var act = Act.made
        let enforcement = Enforcement(
            target: wanted.target, session: session, foreignTables: foreignTables, lockout: lockout)
        let result = try enforcement.run { step in
            act = step.live.ruleset == nil ? .made : .amended(changes: step.difference.changes.count)
        }
        switch result {
        case .wasInForce, .waits: break
        case .isInForce: log.say(line(act))
        }
        if hasHeardEngine, !isEngineAway { try? session.keep(inventory) }
        return result
    }
}

/// What was done to the table.
private enum Act {
    case made
    case amended(changes: Int)

    var words: String {
        switch self {
        case .made: "the table was made"
        case .amended(let count): "\(count) change\(count == 1 ? "" : "s") made"
        }
    }

    func line(_ cause: Provocation) -> String {
        let docker = cause.dockerEvents.isEmpty ? "" : "Docker: \(cause.docker)"
        guard cause.concernsTable else { return "\(words), for \(docker)" }
        let also = docker.isEmpty ? "" : "; also \(docker)"
        return switch self {
        case .made: "the table was deleted by \(cause.author): put back\(also)"
        case .amended(let count):
            "the table was changed by \(cause.author): put back by \(count) change\(count == 1 ? "" : "s")\(also)"
        }
    }
}

extension LoadedPolicy {
    /// Whoever stays goes on without a container that has to run, else nothing that others publish would be followed meanwhile: the
    /// service lets nobody in, and a warning says so.
    fileprivate var requiringNothing: Self {
        var loaded = self
        for (index, service) in (policy?.services ?? []).enumerated() {
            guard var selector = service.selector else { continue }
            selector.isRequired = false
            loaded.policy?.services[index].publish = .selected(selector)
        }
        return loaded
    }
}
