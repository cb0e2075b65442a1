internal import Console
internal import FoundationEssentials
internal import HostRules
internal import Lockout
internal import Nftables
internal import NftablesKernel
internal import Presentation
internal import Reconcile
internal import Simulator

/// Keeps an administrator from shutting himself, or another one, out of the host.
enum LockoutGuard {
    case refuses
    /// Says whom it cuts off, and lets it be done.
    case warns
    /// Looks at nothing.
    case off

    /// A policy that would do it.
    struct Refusal: Error {
        var cuts: [Cut]

        func report() {
            for line in LockoutText.refusal(cuts) { Console.report(line) }
        }
    }

    /// To be asked before anything is sent, and only then: it looks at sockets and processes.
    func admit(_ step: LivePlan, _ session: KernelSession) throws {
        if step.difference.isEmpty { return }
        try admit(step.target, inForce: step.live.isDormant ? nil : step.live.settled, session)
    }

    /// `inForce` is nil also where it is not known.
    func admit(_ target: PolicyTarget, inForce: LinearRuleset?, _ session: KernelSession) throws {
        switch self {
        case .off: return
        case .warns: for line in LockoutText.warning(try Self.cuts(target, inForce, session)) { Console.report(line) }
        case .refuses:
            let cuts = try Self.cuts(target, inForce, session)
            if !cuts.isEmpty { throw Refusal(cuts: cuts) }
        }
    }

    static func cuts(
        _ target: PolicyTarget, _ inForce: LinearRuleset?, _ session: KernelSession
    ) throws -> [Cut] {
        let sockets = try HostSockets.read(namespace: session.namespacePath)
        let found = WaysIn(of: sockets, session: ProcessInfo.processInfo.environment["SSH_CONNECTION"])
        for doubt in found.doubts { Console.report("dockernft: note: \(doubt)") }
        // Whoever names a namespace need not be connected to it.
        if let client = found.lost, session.namespacePath == nil {
            Console.report(
                "dockernft: note: SSH_CONNECTION names a connection from \(client) that ends nowhere on this host: whether the policy "
                    + "cuts it is not known")
        }
        if sockets.tracked == 0, !found.ways.isEmpty {
            Console.report(
                "dockernft: note: the kernel has followed no connection so far: each that is open stands still until its client "
                    + "sends something; press a key")
        }
        let before = inForce.map { Simulation($0) }
        let after = Simulation(target.linear)
        return try found.ways.compactMap { way in
            guard let interface = try way.connection.interface(namespace: session.namespacePath) else {
                Console.report(
                    "dockernft: note: no route leads to \(way.client.address), which is connected by SSH: "
                        + "whether the policy cuts it is not known")
                return nil
            }
            return Cut(way, by: interface, before: before, after: after)
        }
    }
}
