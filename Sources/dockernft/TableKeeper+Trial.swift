internal import Compiler
internal import Confirmation
internal import Daemon
internal import Nftables
internal import NftablesKernel
internal import Reconcile
internal import State

/// Beside a policy that waits to be confirmed nothing is put back: the kernel holds both, and sees to the end of it.
extension TableKeeper {
    struct Trial {
        /// When the kernel takes it back.
        var deadline: ContinuousClock.Instant
        /// Of what waits in the table, by which another trial is told from this one.
        var digest: String?
        /// What waits, where its texts are known.
        var wanted: Wanted?
    }

    /// Whether a policy waits in the table now. For whoever has the turn.
    func attendTrial(_ cause: Provocation) throws -> Bool {
        let waiting = try session.waiting()
        guard let waiting else { return false }
        guard let remaining = waiting.remaining else {
            log.say(
                "nobody confirmed the new policy in time: the kernel has taken it back, and what was left of it is removed"
            )
            try Rollback.removeRemains(session)
            return false
        }
        let deadline = ContinuousClock.now + .milliseconds(Int(clamping: remaining))
        let digest = Compiler.digest(of: waiting.next)
        if trial == nil || trial?.digest != digest {
            trial = Trial(deadline: deadline, digest: digest)
            try adoptWhatWasAppliedBefore()
            if let texts = session.waitingTexts(digest: digest) {
                trial?.wanted = try resolve(PolicyFile(texts))
            }
            log.say(
                "a policy waits to be confirmed, for \(TimeText.duration(remaining)) more: nothing is put back meanwhile"
            )
            service.status(statusText)
        }
        trial?.deadline = deadline
        if !cause.dockerEvents.isEmpty { try joinAgain(cause) }
        return true
    }

    /// Others may have applied, or confirmed, a policy and begun a trial since we last had the turn.
    private func adoptWhatWasAppliedBefore() throws {
        switch try session.keptPolicy()?.wish {
        case nil: break
        case .removed?: wanted = nil
        case .inForce(let texts)?:
            if let wanted, wanted.texts.isSame(as: texts) { return }
            try adopt(PolicyFile(texts))
        }
    }

    /// How long nothing happens of itself; nil where nothing ever does.
    var timeToTrialsEnd: Duration? { trial.map { ContinuousClock.now.duration(to: $0.deadline) } }

    /// Docker runs something else: both policies become what they say about it now, and the time goes on.
    private func joinAgain(_ cause: Provocation) throws {
        if let file = wanted?.file, let new = try resolve(file) { wanted = new }
        if let file = trial?.wanted?.file, let new = try resolve(file) { trial?.wanted = new }
        let live = try LiveTable.read(session)
        guard let ruleset = live.ruleset, let waiting = live.waiting, !waiting.isExpired else { return }
        let before = waiting.plain == nil ? nil : wanted?.target.linear ?? waiting.plain
        let joined = waiting.joined(before, trial?.wanted?.target.linear ?? waiting.next, in: ruleset)
        let difference = Difference(from: ruleset, oddities: live.oddities, to: joined)
        if difference.isEmpty { return }
        guard case .amend = difference.scope else {
            return log.say("what Docker has done is followed when the policy that waits is confirmed or taken back")
        }
        do {
            try session.commit(difference.changes, at: live.generation)
        } catch {
            guard error.isStaleGeneration else { throw error }
            provocation.add(dockerEvents: cause.dockerEvents)
            return
        }
        if let new = trial?.wanted {
            trial?.digest = new.target.digest
            session.keepWaiting(new.texts)
        }
        let count = difference.changes.count
        log.say(
            "\(count) change\(count == 1 ? "" : "s") made, for Docker: \(cause.docker); a policy still waits to be confirmed"
        )
    }

    /// Somebody has applied or confirmed what could not be kept; the table itself says that it is whole.
    func followUnkept(_ cause: Provocation) throws {
        guard let table = try session.table(), table.oddities.isEmpty, LiveTable.isAsDigested(table.ruleset),
            let digest = Compiler.digest(of: table.ruleset), digest != wanted?.target.digest
        else { return }
        let known = trial?.wanted.flatMap { $0.target.digest == digest ? $0 : nil }
        guard known != nil || wanted != nil else { return }
        wanted = known
        let path = known?.texts.path
        log.say(
            path.map { "\(cause.author) has confirmed \($0): that is kept from now on" }
                ?? "\(cause.author) has put a policy in force whose text is not kept: nothing is put back until the next apply"
        )
        service.status(statusText)
    }
}
