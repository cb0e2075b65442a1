internal import Addressing
internal import Compiler
internal import Console
internal import Nftables
internal import NftablesKernel
internal import Policy
internal import Presentation
internal import Reconcile
internal import Simulator

/// The live table against the policy.
struct LivePlan {
    let target: PolicyTarget
    let live: LiveTable
    /// What is to be sent.
    let difference: Difference

    private let isOfPolicyAlone: Bool

    /// `table` is what the kernel's is to become, where that is not the policy's alone.
    init(_ target: PolicyTarget, against live: LiveTable, becoming table: LinearRuleset? = nil) {
        self.target = target
        self.live = live
        isOfPolicyAlone = table == nil && live.waiting == nil
        difference = Difference(
            from: live.ruleset, oddities: live.oddities, to: table ?? target.linear)
    }

    /// From the rules of before to those of the policy, also where one of them only waits. Asks `session` for the connections that
    /// are open, where somebody loses something.
    func plan(on session: KernelSession) -> Plan {
        let difference =
            isOfPolicyAlone
            ? self.difference : Difference(from: live.settled, oddities: live.oddities, to: target.linear)
        guard !difference.isEmpty else { return Plan(access: [], difference: difference, desired: target.ruleset) }
        // A dormant table is as good as none.
        let before = live.isDormant ? nil : live.settled
        let access = Access(before: before, after: target.linear).changes
        let losing = access.contains { !$0.lost.isEmpty || !$0.notUnderstood.isEmpty }
        return Plan(
            access: access, difference: difference, desired: target.ruleset,
            connections: losing ? session.connections(FlowTrial(before: before, after: target.linear)) : .untouched)
    }
}

/// A policy and all that it becomes.
struct PolicyTarget {
    let path: String
    let policy: ResolvedPolicy
    let ruleset: Ruleset
    let linear: LinearRuleset

    /// `session` is the host that it is for, where it is for one.
    init(path: String, policy: ResolvedPolicy, on session: KernelSession?) throws(NetlinkError) {
        var policy = policy
        if let session {
            for parent in Compiler.parentsOnTheWire(of: policy) where try !session.hasInterface(named: parent.stem) {
                policy.absentParents.insert(parent)
            }
        }
        self.path = path
        self.policy = policy
        let output = Compiler.output(of: policy)
        ruleset = output.ruleset
        linear = output.linear
    }

    var digest: String { Compiler.digest(of: linear) ?? "" }
}

enum PlanPrinter {
    static func show(_ plan: Plan, withRules: Bool, coloured: Bool) throws(OutputFailure) {
        for line in plan.accessLines { try Console.print(text(line, coloured)) }
        guard withRules else { return }
        if !plan.accessLines.isEmpty { try Console.print("") }
        for line in plan.ruleLines { try Console.print(text(line, coloured)) }
    }

    /// Escape sequences of ECMA-48, 8.3.117 (SGR).
    private static func text(_ line: Plan.Line, _ coloured: Bool) -> String {
        let plain = "\(line.sign.rawValue) \(line.text)"
        guard coloured else { return plain }
        return switch line.sign {
        case .added: "\u{1b}[32m\(plain)\u{1b}[0m"
        case .removed: "\u{1b}[31m\(plain)\u{1b}[0m"
        case .replaced: "\u{1b}[33m\(plain)\u{1b}[0m"
        case .note: plain
        }
    }
}
