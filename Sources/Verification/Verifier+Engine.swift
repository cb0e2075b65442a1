internal import Addressing
internal import Nftables
internal import NftablesKernel
internal import Rehearsal
internal import Simulator

/// What became of trials, in their order.
struct TrialOutcome {
    /// Nil where there is nothing to be seen of the policy.
    var claim: Claim?
    var fate: Fate
}

extension Verifier {
    func fates(of engine: EngineTrials, _ progress: (Int) -> Void) throws(Failure) -> [TrialOutcome] {
        guard !engine.trials.isEmpty else { return [] }
        let shots = engine.trials.map(\.claim.shot)
        let listeners = Set(engine.trials.compactMap { $0.claim.listener(on: engine.scene) }).sorted()
        let stage: Stage
        do throws(StageError) {
            stage = try Stage(engine.scene.setting(listeners: listeners.evenly(Self.listenerLimit)))
        } catch {
            throw .stage(error)
        }
        do throws(NetlinkError) { try engine.rules.load(into: stage.hostNamespacePath) } catch {
            throw .hostRules(error)
        }
        let before: [Fate]
        do throws(StageError) {
            before = try Self.patientFates(of: shots, on: stage) { _, fate in fate.isAnswered }
        } catch {
            throw .stage(error)
        }
        var claims = zip(engine.trials, before).map { trial, fate in trial.claim(where: fate, engine.meaning) }
        do throws(NetlinkError) { try apply(on: stage) } catch { throw .rules(error) }
        let after: [Fate]
        do throws(StageError) {
            after = try Self.patientFates(of: shots, on: stage, progress: progress) { index, fate in
                claims[index]?.isKept(by: fate, on: engine.scene) ?? true
            }
        } catch {
            throw .stage(error)
        }
        let lost = claims.indices.filter { claims[$0]?.ruling.outcome == .passes && !after[$0].isAnswered }
        let stopped = try fatesWithoutOurs(of: lost.map { shots[$0] }, on: stage)
        for (index, fate) in zip(lost, stopped) where !fate.isAnswered { claims[index] = nil }
        return zip(claims, after).map { TrialOutcome(claim: $0, fate: $1) }
    }

    /// What the host's own rules count (`limit`, `recent`) they may stop by now, whether ours are there or not.
    private func fatesWithoutOurs(of shots: [Shot], on stage: Stage) throws(Failure) -> [Fate] {
        if shots.isEmpty { return [] }
        do throws(NetlinkError) { try withdraw(from: stage) } catch { throw .rules(error) }
        do throws(StageError) { return try stage.fates(of: shots) } catch { throw .stage(error) }
    }

    /// What a rule does it does again: what is not as it is wanted is sent once more.
    private static func patientFates(
        of shots: [Shot], on stage: Stage, progress: (Int) -> Void = { _ in }, where isWanted: (Int, Fate) -> Bool
    ) throws(StageError) -> [Fate] {
        var fates = try stage.fates(of: shots, progress: progress)
        let doubtful = shots.indices.filter { !isWanted($0, fates[$0]) }
        for (index, fate) in zip(doubtful, try stage.fates(of: doubtful.map { shots[$0] })) { fates[index] = fate }
        return fates
    }
}

extension EngineTrials.Trial {
    /// What is to be met with the policy in force, where this is what was met without it.
    func claim(where fate: Fate, _ meaning: Meaning) -> Claim? {
        var claim = claim
        switch fate {
        case .answered(.container(let place)) where places.contains(place): claim.translated = place
        // docker-proxy, as to the policy all that the host itself serves.
        case .answered(.host):
            guard let ruling = meaning.input(dialled, from: claim.source) else { return nil }
            claim.ruling = ruling
        // Somebody else than Docker says, or nobody: only that nobody comes in who may not is to be seen.
        case .answered, .refused, .silent:
            if claim.ruling.outcome == .passes { return nil }
            claim.ruling.outcome = .refused
        }
        return claim
    }
}

extension Fate {
    fileprivate var isAnswered: Bool {
        switch self {
        case .answered: true
        case .refused, .silent: false
        }
    }
}

extension Verification {
    mutating func add(_ engine: EngineTrials, _ outcomes: [TrialOutcome], _ ruleset: LinearRuleset) {
        let simulation = Simulation(ruleset)
        var tried: [Claims.Group: Int] = [:]
        var differing: [Claims.Group: Int] = [:]
        var unseen: [Claim] = []
        var unsaid = 0
        for (trial, outcome) in zip(engine.trials, outcomes) {
            guard let claim = outcome.claim else {
                if trial.claim.ruling.outcome == .passes { unseen.append(trial.claim) } else { unsaid += 1 }
                continue
            }
            tried[claim.group, default: 0] += 1
            if claim.isKept(by: outcome.fate, on: engine.scene) { continue }
            differing[claim.group, default: 0] += 1
            differences.append(Difference(claim, outcome.fate, on: engine.scene, simulation))
        }
        rows += engine.possible.sorted { $0.key < $1.key }.map { group, possible in
            Row(
                about: group.about, path: group.path, family: group.family, tried: tried[group] ?? 0,
                possible: possible, differing: differing[group] ?? 0)
        }
        untried += engine.untried
        if unsaid > 0 {
            untried.append("\(unsaid) packets to docker-proxy of which the policy does not say what becomes")
        }
        if let first = unseen.first {
            untried.append(
                "\(unseen.count) packets that the policy lets in, as from \(first.source) to \(first.destination): Docker's rules, or others in its tables, do not, or not each time"
            )
        }
    }
}
