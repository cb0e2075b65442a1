internal import Addressing
public import Nftables
public import NftablesKernel
public import Policy
internal import Reconcile
public import Rehearsal

/// Tries a policy on a host in miniature: the ruleset is pushed as it would be pushed to the real one, and real packets are sent.
public struct Verifier: Sendable {
    public enum Failure: Error, Sendable {
        /// There is no stage, or no answer from it.
        case stage(StageError)
        /// The kernel did not take Docker's rules, or ours.
        case rules(NetlinkError)
        /// It did not take those of the host.
        case hostRules(NetlinkError)
    }

    public static let standardLimit = 20_000

    let claims: Claims
    let ruleset: LinearRuleset
    private let engine: EngineTrials?

    /// The claims are the policy's; that the ruleset keeps them is to be found out, wherever it comes from.
    /// Where the host's own rules of Docker are given, they are tried as well.
    public init(
        _ policy: ResolvedPolicy, ruleset: LinearRuleset, engine: EngineRules? = nil,
        atMost limit: Int = Self.standardLimit
    ) {
        let share = engine == nil ? 0 : limit / 4
        let claims = Claims(policy, atMost: limit - share)
        self.claims = claims
        self.ruleset = ruleset
        self.engine = engine.map { EngineTrials($0, claims, atMost: share) }
    }

    /// How many packets there are to send.
    public var count: Int { claims.claims.count + (engine?.trials.count ?? 0) }

    /// `progress` is told how many packets' fates are known.
    public func verify(progress: (Int) -> Void = { _ in }) throws(Failure) -> Verification {
        var outcomes: [(claim: Claim, fate: Fate)] = []
        var untried: [String] = []
        let judged = try engine.map { engine throws(Failure) in
            try patiently { () throws(Failure) in try fates(of: engine, progress) }
        }
        for setup in Claim.Setup.allCases {
            let all = claims.claims.filter { $0.setup == setup }
            let listeners = Set(all.compactMap { $0.listener(on: claims.scene) }).sorted().evenly(Self.listenerLimit)
            let served = Set(listeners)
            let tried = all.filter { claim in claim.listener(on: claims.scene).map(served.contains) ?? true }
            if tried.count < all.count {
                untried.append(
                    "\(all.count - tried.count) packets to the host itself: no more than \(Self.listenerLimit) of its ports have a listener"
                )
            }
            guard !tried.isEmpty else { continue }
            let before = (engine?.trials.count ?? 0) + outcomes.count
            let fates = try patiently { () throws(Failure) in
                try self.fates(of: tried, setup, listeners) { progress(before + $0) }
            }
            outcomes += zip(tried, fates).compactMap { claim, fate in fate.map { (claim: claim, fate: $0) } }
            let unopened = fates.count { $0 == nil }
            if unopened > 0 {
                untried.append("\(unopened) connections that could not be opened without the policy's rules")
            }
        }
        var verification = Verification(claims, outcomes, ruleset, untried: untried)
        if let engine, let judged { verification.add(engine, judged, ruleset) }
        return verification
    }

    /// A machine that has much else to do may lose a packet, and with it the stage its patience: another one is built then, twice.
    private func patiently<Value>(_ body: () throws(Failure) -> Value) throws(Failure) -> Value {
        for _ in 0..<2 {
            do throws(Failure) { return try body() } catch {
                guard case .stage(.unresponsive) = error else { throw error }
            }
        }
        return try body()
    }

    /// A process may have 1,024 files open where nobody has said more.
    static let listenerLimit = 700

    /// Nil of a connection that was to be open before, and was not.
    private func fates(
        of tried: [Claim], _ setup: Claim.Setup, _ listeners: [PortRange], _ progress: (Int) -> Void
    ) throws(Failure) -> [Fate?] {
        let stage: Stage
        do throws(StageError) { stage = try Stage(claims.scene.setting(listeners: listeners)) } catch {
            throw .stage(error)
        }
        do throws(NetlinkError) { try rules(setup).load(into: stage.hostNamespacePath) } catch { throw .rules(error) }
        var earlier: EarlierConnections
        do throws(StageError) { earlier = try EarlierConnections(tried, on: stage) } catch { throw .stage(error) }
        do throws(NetlinkError) {
            try apply(on: stage)
        } catch {
            throw .rules(error)
        }
        do throws(StageError) {
            var fates = [Fate?](repeating: nil, count: tried.count)
            for (place, fate) in try earlier.fates(on: stage, claims.scene) { fates[place] = fate }
            let first = tried.indices.filter { tried[$0].connection == .new }
            let opened = tried.count - first.count
            let found = try stage.fates(of: first.map { tried[$0].shot }) { progress(opened + $0) }
            for (place, fate) in zip(first, found) { fates[place] = fate }
            // What a rule does it does again: a packet that got lost for another reason is no difference.
            let doubtful = zip(first, found).filter { !tried[$0].isKept(by: $1, on: claims.scene) }.map(\.0)
            for (place, fate) in zip(doubtful, try stage.fates(of: doubtful.map { tried[$0].shot })) {
                fates[place] = fate
            }
            return fates
        } catch {
            throw .stage(error)
        }
    }

    /// Pushes the ruleset as it would be pushed to the real host.
    func apply(on stage: Stage) throws(NetlinkError) {
        var connection = try KernelConnection(namespace: stage.hostNamespacePath)
        let live = try connection.readTable(named: ruleset.table.name)
        let changes = Difference(from: live?.ruleset, to: ruleset).changes
        try connection.commit(
            Transaction(table: ruleset.table.name, changes: changes, generation: try connection.generation()))
    }

    /// Takes it away again.
    func withdraw(from stage: Stage) throws(NetlinkError) {
        var connection = try KernelConnection(namespace: stage.hostNamespacePath)
        let name = ruleset.table.name
        try connection.commit(
            Transaction(
                table: name, changes: [.deleteTable(name: name)], generation: try connection.generation()))
    }

    private func rules(_ setup: Claim.Setup) -> ForeignRules {
        switch setup {
        case .translated:
            ForeignRules.publishing(
                everyPortTo: claims.scene.published?.addresses ?? [], port: Self.containerPort,
                behind: claims.scene.bridges.map(\.name))
        case .local, .ofHost: .followed
        case .untracked: .untracked
        }
    }

    /// No port of the host: who goes by it instead of what was dialled is found out.
    private static let containerPort: UInt16 = 19
}
