public import Nftables

/// A ruleset ready to judge packets as the kernel would, with no limit exceeded.
public struct Simulation: Sendable {
    let chains: [String: LinearChain]
    let sets: [String: NamedSet]
    let counters: Set<String>
    let limits: Set<String>
    private let bases: [(chain: LinearChain, base: BaseChain)]

    public init(_ ruleset: LinearRuleset) {
        chains = Dictionary(ruleset.chains.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        sets = Dictionary(ruleset.sets.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        counters = Set(ruleset.counters.map(\.name))
        limits = Set(ruleset.limits.map(\.name))
        let based = ruleset.chains.compactMap { chain in chain.base.map { (chain: chain, base: $0) } }
        // The sort is not stable: the order of the ruleset decides among equals, as the order of registration does.
        bases = based.enumerated()
            .sorted { ($0.element.base.priority, $0.offset) < ($1.element.base.priority, $1.offset) }
            .map(\.element)
    }

    /// Through the hook's base chains, the lowest priority first: `accept` hands on to the next, all else is final.
    public func trace(_ packet: Packet) -> Trace {
        var steps: [Trace.Step] = []
        for (chain, base) in bases where base.hook == packet.hook {
            var walk = Walk(simulation: self, packet: packet)
            let fate = walk.run(chain, base)
            steps += walk.steps
            if fate != .accept { return Trace(fate: fate, steps: steps) }
        }
        return Trace(fate: .accept, steps: steps)
    }
}
