internal import Addressing
public import Nftables
public import Simulator

/// A way in that a ruleset closes.
public struct Cut: Sendable {
    public enum Extent: Hashable, Sendable {
        /// The connection is cut, and its client cannot come back.
        case everything
        /// The connection that is open now alone.
        case openConnection
        /// The connection goes on; a new one of the same client is refused.
        case newConnections
    }

    public var way: WayIn
    /// Where the client's packets come in by.
    public var interface: String
    public var extent: Extent
    /// How the new rules come to it.
    public var trace: Trace

    /// Nil where the new rules let it be, or the old ones do not let it be either.
    public init?(_ way: WayIn, by interface: String, before: Simulation?, after: Simulation) {
        let flow = way.flow(by: interface)
        let next = Self.loss(of: flow.nextPacket, before, after)
        let new = Self.loss(
            of: .toHost(.tcp, from: way.client, to: way.host, iifname: interface), before, after)
        let extent: Extent
        switch (next, new) {
        case (nil, nil): return nil
        case (_?, _?): extent = .everything
        case (_?, nil): extent = .openConnection
        case (nil, _?): extent = .newConnections
        }
        guard let trace = next ?? new else { return nil }
        self.way = way
        self.interface = interface
        self.extent = extent
        self.trace = trace
    }

    /// The trace, where the packet gets in now and will not.
    private static func loss(of packet: Packet, _ before: Simulation?, _ after: Simulation) -> Trace? {
        let trace = after.trace(packet)
        if trace.fate == .accept { return nil }
        switch before?.trace(packet).fate {
        // What cannot be judged may well get in.
        case nil, .accept?, .unknown?: return trace
        case .drop?, .reject?: return nil
        }
    }

    /// The last rule that had its say.
    public var rule: LinearRule? { deciding?.rule }

    /// The line of the policy that it comes from.
    public var origin: Origin? {
        trace.steps.reversed().lazy.compactMap { Self.ruling($0)?.origin }.first
    }

    /// The chain of the last rule that comes from the policy, or of the last one where none does.
    public var chain: String? {
        (trace.steps.last { Self.ruling($0)?.origin != nil } ?? deciding.map(\.step))?.chain
    }

    private var deciding: (step: Trace.Step, rule: LinearRule)? {
        for step in trace.steps.reversed() {
            guard let rule = Self.ruling(step) else { continue }
            if rule.comment != nil || rule.origin != nil { return (step, rule) }
        }
        return nil
    }

    private static func ruling(_ step: Trace.Step) -> LinearRule? {
        guard case .rule(_, let rule) = step.place else { return nil }
        return switch step.decision {
        case .verdict, .reject: rule
        case .noMatch, .goesOn, .unknown: nil
        }
    }
}
