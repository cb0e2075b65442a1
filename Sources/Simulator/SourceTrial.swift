public import Addressing
public import Nftables

/// Runs the rules for all sources at once: the exact set of addresses that get through by an approach, as intervals.
///
/// Every rule divides the sources that reach it into those that match and those that do not; so each address is judged as the
/// kernel would judge it, and none is sampled.
public struct SourceTrial<Bits: AddressBits> {
    private let ruleset: LinearRuleset
    private let chains: [String: LinearChain]
    private let sets: [String: IndexedSet]
    /// Answers of chains that look at nothing but the source and what an approach has in common with others.
    private var memory: [MemoryKey: Outcome] = [:]
    private let isIndependent: [String: Bool]

    public init(_ ruleset: LinearRuleset) {
        self.ruleset = ruleset
        chains = Dictionary(ruleset.chains.map { ($0.name, $0) }) { first, _ in first }
        sets = Dictionary(ruleset.sets.map { ($0.name, IndexedSet($0)) }) { first, _ in first }
        isIndependent = chains.mapValues { chain in
            chain.rules.allSatisfy { $0.expressions.allSatisfy(\.looksAtSourceOnly) }
        }
    }

    private struct MemoryKey: Hashable {
        var chain: String
        var interface: String
        var hook: BaseChain.Hook
    }

    private struct Outcome {
        var accepted: [ClosedRange<Bits>] = []
        /// What came to the chain's end, or met a `return`.
        var returned = IntervalSet<Bits>()
        var chain: String?
        var notUnderstood: Set<String> = []
    }

    /// Of these sources only, where not all are asked for.
    public mutating func reach(_ approach: Approach, of sources: IntervalSet<Bits> = .all) -> Reach<Bits> {
        var remaining = sources
        var reach = Reach<Bits>(allowed: .init(), chain: nil, notUnderstood: [])
        let bases = ruleset.chains.filter { $0.base?.hook == approach.hook }
            .sorted { ($0.base?.priority ?? 0) < ($1.base?.priority ?? 0) }
        for chain in bases {
            // An accept ends its own base chain only; the next one decides again.
            let outcome = run(chain, approach, remaining, depth: 0)
            let passed = IntervalSet(outcome.accepted)
            remaining = chain.base?.policy == .accept ? passed.union(outcome.returned) : passed
            reach.chain = outcome.chain ?? reach.chain
            reach.notUnderstood.formUnion(outcome.notUnderstood)
        }
        reach.allowed = remaining
        return reach
    }

    private mutating func run(
        _ chain: LinearChain, _ approach: Approach, _ sources: IntervalSet<Bits>, depth: Int
    ) -> Outcome {
        let key = MemoryKey(chain: chain.name, interface: approach.interface, hook: approach.hook)
        let isKept = sources == .all && isIndependent[chain.name] == true
        if isKept, let known = memory[key] { return known }
        var outcome = Outcome()
        var remaining = sources
        var returned: [ClosedRange<Bits>] = []
        // NFT_JUMP_STACK_SIZE of `net/netfilter/nf_tables.h`: the kernel loads nothing deeper.
        guard depth < 16 else { return Outcome(returned: sources) }
        for rule in chain.rules {
            guard !remaining.isEmpty else { break }
            var machine = SourceMachine<Bits>(approach: approach, sets: sets)
            let (matched, verdict) = machine.run(rule, remaining)
            if let name = machine.notUnderstood { outcome.notUnderstood.insert(name) }
            guard let verdict, !matched.isEmpty else { continue }
            switch verdict.verdict {
            case .accept:
                outcome.accepted += matched.ranges
                remaining = remaining.subtracting(matched)
            case .drop:
                remaining = remaining.subtracting(matched)
            case .return:
                returned += matched.ranges
                remaining = remaining.subtracting(matched)
            case .jump(let name), .goto(let name):
                guard let target = chains[name] else { continue }
                let inner = run(target, approach, matched, depth: depth + 1)
                outcome.accepted += inner.accepted
                outcome.notUnderstood.formUnion(inner.notUnderstood)
                if verdict.isFromMap { outcome.chain = name } else { outcome.chain = inner.chain ?? outcome.chain }
                remaining = remaining.subtracting(matched)
                if case .jump = verdict.verdict {
                    remaining = remaining.union(inner.returned)
                } else {
                    returned += inner.returned.ranges
                }
            }
        }
        outcome.returned = remaining.union(IntervalSet(returned))
        if isKept { memory[key] = outcome }
        return outcome
    }
}

extension Expression {
    /// Whether what it reads is the same for every port, address and path that a memory key joins.
    fileprivate var looksAtSourceOnly: Bool {
        switch self {
        case .meta(let key, _):
            switch key {
            case .nfproto, .iifname: true
            case .l4proto, .oifname: false
            }
        case .conntrack(let key, _):
            switch key {
            case .originalIPv4Source, .originalIPv6Source, .direction, .state: true
            case .status, .originalIPv4Destination, .originalIPv6Destination, .originalServiceDestination: false
            }
        case .immediate(let verdict):
            switch verdict {
            case .accept, .drop, .return: true
            // Where it leads may look at more; what is refused there is refused by every door alike.
            case .jump, .goto: false
            }
        case .payload, .socket, .verdictLookup, .opaque: false
        case .compare, .bitwise, .lookup, .counter, .objectReference, .log, .reject: true
        }
    }
}
