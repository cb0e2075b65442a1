internal import Addressing
internal import HostRules

/// Which sources are in which state. A source may be in two of them where it is not known which.
struct Pieces<Bits: AddressBits> {
    private(set) var byState: [(state: PacketState, ranges: [ClosedRange<Bits>])] = []

    mutating func add(_ state: PacketState, _ sources: IntervalSet<Bits>) {
        if sources.isEmpty { return }
        if let index = byState.firstIndex(where: { $0.state == state }) {
            byState[index].ranges += sources.ranges
        } else {
            byState.append((state, sources.ranges))
        }
    }

    mutating func add(_ other: Self) {
        for (state, ranges) in other.byState { add(state, IntervalSet(ranges)) }
    }

    var sets: [(state: PacketState, sources: IntervalSet<Bits>)] {
        byState.map { ($0.state, IntervalSet($0.ranges)) }
    }

    var isEmpty: Bool { byState.isEmpty }
}

struct Outcome<Bits: AddressBits> {
    var accepted = Pieces<Bits>()
    /// What came to the chain's end, or met a `return`.
    var returned = Pieces<Bits>()
    var dropped: [Stop: [ClosedRange<Bits>]] = [:]
}

/// Runs chains for all sources at once, and remembers what does not depend on the door.
struct ChainWalk<Bits: AddressBits> {
    let prepared: Prepared
    let topology: Topology
    let listeners: [Listener]
    var doubts: Set<Doubt> = []
    private var lookups: [LookupKey: KeyedSet.Found<Bits>] = [:]
    private var memory: [MemoryKey: (outcome: Outcome<Bits>, doubts: Set<Doubt>)] = [:]
    private let isIndependent: [Set<String>]

    private struct LookupKey: Hashable {
        var table: Int
        var set: String
        var key: [Symbol]
    }

    private struct MemoryKey: Hashable {
        var table: Int
        var chain: String
        var place: Place
        var transport: TransportProtocol
        var tracking: PacketState.Tracking
        var sources: IntervalSet<Bits>
    }

    init(_ prepared: Prepared, _ topology: Topology, _ listeners: [Listener]) {
        self.prepared = prepared
        self.topology = topology
        self.listeners = listeners
        isIndependent = prepared.tables.map { table in
            Set(table.table.chains.filter { $0.rules.allSatisfy(\.looksAtSourceOnly) }.map(\.name))
        }
    }

    mutating func run(
        _ chain: HostChain, table: Int, _ approach: Approach, _ place: Place, _ state: PacketState,
        _ sources: IntervalSet<Bits>, depth: Int = 0
    ) -> Outcome<Bits> {
        guard isIndependent[table].contains(chain.name), sources.ranges.count <= 8 else {
            return follow(chain, table: table, approach, place, state, sources, depth: depth)
        }
        let key = MemoryKey(
            table: table, chain: chain.name, place: place, transport: approach.transport, tracking: state.tracking,
            sources: sources)
        var known: (outcome: Outcome<Bits>, doubts: Set<Doubt>)
        if let old = memory[key] {
            known = old
        } else {
            let before = doubts
            doubts = []
            known.outcome = follow(chain, table: table, approach, place, state, sources, depth: depth)
            known.doubts = doubts
            doubts = before
            memory[key] = known
        }
        doubts.formUnion(known.doubts)
        // It changes no state, so what it was kept with is all that differs.
        known.outcome.accepted = known.outcome.accepted.inState(state)
        known.outcome.returned = known.outcome.returned.inState(state)
        return known.outcome
    }

    private mutating func follow(
        _ chain: HostChain, table: Int, _ approach: Approach, _ place: Place, _ state: PacketState,
        _ sources: IntervalSet<Bits>, depth: Int
    ) -> Outcome<Bits> {
        var outcome = Outcome<Bits>()
        var remaining = [(state: state, sources: sources)]
        for rule in chain.rules {
            if remaining.isEmpty { break }
            var next = Pieces<Bits>()
            for (state, sources) in remaining {
                let view = PacketView<Bits>(
                    approach: approach, topology: topology, listeners: listeners, place: place, state: state,
                    marksAreSet: prepared.marksAreSet)
                let (missed, ends) = run(rule, of: chain, table: table, view, sources)
                next.add(state, missed)
                for end in ends {
                    take(end, rule, chain, table, approach, place, depth, &outcome, &next)
                }
            }
            remaining = next.sets
        }
        for (state, sources) in remaining { outcome.returned.add(state, sources) }
        return outcome
    }

    private mutating func run(
        _ rule: HostRule, of chain: HostChain, table: Int, _ view: PacketView<Bits>, _ sources: IntervalSet<Bits>
    ) -> (missed: IntervalSet<Bits>, ends: [RuleWalk<Bits>.End]) {
        let sets = prepared.tables[table].sets
        let known = lookups
        var asked: [LookupKey: KeyedSet.Found<Bits>] = [:]
        var doubtsOfRule: Set<String> = []
        var result: (missed: IntervalSet<Bits>, ends: [RuleWalk<Bits>.End])
        do {
            let cache = LookupCache<Bits>()
            var walk = RuleWalk<Bits>(rule.instructions, view: view) { name, registers in
                guard let set = sets[name] else { return nil }
                let key = LookupKey(table: table, set: name, key: Array(registers.prefix(set.set.keyLength)))
                if let found = known[key] ?? cache.found[key] { return found }
                let found = set.find(key.key, Bits.self)
                cache.found[key] = found
                return found
            }
            walk.run(sources)
            asked = cache.found
            doubtsOfRule = walk.doubts
            result = (walk.missed, walk.ends)
        }
        lookups.merge(asked) { first, _ in first }
        if !doubtsOfRule.isEmpty {
            let reference = reference(rule, chain, table)
            for reason in doubtsOfRule { doubts.insert(Doubt(rule: reference, reason: reason)) }
        }
        return result
    }

    private final class LookupCache<B: AddressBits> {
        var found: [LookupKey: KeyedSet.Found<B>] = [:]
    }

    private mutating func take(
        _ end: RuleWalk<Bits>.End, _ rule: HostRule, _ chain: HostChain, _ table: Int, _ approach: Approach,
        _ place: Place, _ depth: Int, _ outcome: inout Outcome<Bits>, _ next: inout Pieces<Bits>
    ) {
        func drop() { outcome.dropped[.rule(reference(rule, chain, table)), default: []] += end.sources.ranges }
        switch end.ending {
        case .next: next.add(end.state, end.sources)
        case .refused, .verdict(.drop): drop()
        case .verdict(.accept): outcome.accepted.add(end.state, end.sources)
        case .verdict(.return): outcome.returned.add(end.state, end.sources)
        case .verdict(.queue):
            drop()
            outcome.accepted.add(end.state, end.sources)
        case .anything:
            drop()
            outcome.accepted.add(end.state, end.sources)
            next.add(end.state, end.sources)
            if chain.base?.isNAT == true || place.hook == .prerouting {
                outcome.accepted.add(end.state.sentSomewhere, end.sources)
            }
        case .verdict(.jump(let name)), .verdict(.goto(let name)):
            // NFT_JUMP_STACK_SIZE of `net/netfilter/nf_tables.h`: the kernel loads nothing deeper.
            guard depth < 16, let target = prepared.tables[table].chains[name] else {
                doubts.insert(Doubt(rule: reference(rule, chain, table), reason: "the chain \(name) is not there"))
                drop()
                outcome.accepted.add(end.state, end.sources)
                return
            }
            let inner = run(target, table: table, approach, place, end.state, end.sources, depth: depth + 1)
            outcome.accepted.add(inner.accepted)
            outcome.dropped.merge(inner.dropped) { $0 + $1 }
            if case .verdict(.jump) = end.ending {
                next.add(inner.returned)
            } else {
                outcome.returned.add(inner.returned)
            }
        }
    }

    private func reference(_ rule: HostRule, _ chain: HostChain, _ table: Int) -> RuleReference {
        RuleReference(
            table: prepared.tables[table].label, chain: chain.name, handle: rule.handle, comment: rule.comment)
    }
}

extension Pieces {
    fileprivate func inState(_ state: PacketState) -> Self {
        var pieces = Self()
        for (_, ranges) in byState { pieces.add(state, IntervalSet(ranges)) }
        return pieces
    }
}

extension PacketState {
    /// By a target that is not known.
    var sentSomewhere: Self {
        var next = self
        if tracking == .tracked {
            next.address = nil
            next.port = nil
            next.isNATed = true
        }
        return next
    }
}

extension HostRule {
    /// Whether its outcome is the same for every address and port that is dialled, and leaves the packet as it was.
    fileprivate var looksAtSourceOnly: Bool {
        instructions.allSatisfy { instruction in
            switch instruction {
            case .loadMeta, .loadImmediate, .compare, .range, .bitwise, .byteorder, .lookup, .limit, .noEffect, .reject:
                true
            case .loadConntrack(let key, let direction, _):
                switch ConntrackKey(rawValue: key) {
                case .state, .direction, .mark, .l3protocol, .protocol: true
                case .src, .srcIP, .srcIP6: direction != 1
                case .status, .dst, .dstIP, .dstIP6, .protoSrc, .protoDst, nil: false
                }
            case .loadPayload(let base, let offset, let length, _):
                PayloadBase(rawValue: base) == .network
                    && (offset == 12 && length == 4 || offset == 8 && length == 16)
            case .verdict(let verdict):
                switch verdict {
                case .accept, .drop, .return: true
                case .jump, .goto, .queue: false
                }
            case .loadFIB, .loadControlGroup, .lookupValue, .lookupVerdict, .destinationNAT, .redirect, .sourceNAT,
                .notrack, .xtables,
                .xtablesTarget, .unknown:
                false
            }
        }
    }
}
