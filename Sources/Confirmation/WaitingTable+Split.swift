internal import Addressing
public import Nftables

extension WaitingTable {
    /// Takes the kernel's table apart; `nil` where nothing waits in it, nor is left of what did.
    public init?(in live: LinearRuleset) {
        let names =
            live.chains.map(\.name) + live.sets.map(\.name) + live.counters.map(\.name) + live.limits.map(\.name)
        guard names.contains(where: WaitingName.isOurs) else { return nil }
        let parts = Parts(live)
        plain = parts.plain
        next = parts.next
        let heads = Heads(live)
        remaining = heads.remaining
        faults = heads.faults
    }
}

/// The two tables in one.
private struct Parts {
    let live: LinearRuleset
    /// Chains of the new generation, and what they lead to.
    private let ofNext: Set<Reference>
    /// What is asked by chains of the new generation only.
    private let ofNextAlone: Set<Reference>

    init(_ live: LinearRuleset) {
        self.live = live
        let chains = Dictionary(live.chains.map { ($0.name, $0) }) { first, _ in first }
        let sets = Dictionary(live.sets.map { ($0.name, $0) }) { first, _ in first }
        let isNext = { (name: String) in name.hasPrefix(WaitingName.next) }
        var reached: Set<Reference> = Set(live.chains.map(\.name).filter(isNext).map { .chain($0) })
        reached.formUnion(live.sets.map(\.name).filter(isNext).map { .set($0) })
        var open = Array(reached)
        while let thing = open.popLast() {
            let references: Set<Reference> =
                switch thing {
                case .chain(let name): chains[name]?.references ?? []
                case .set(let name): sets[name]?.references ?? []
                case .counter, .limit: []
                }
            open += references.subtracting(reached)
            reached.formUnion(references)
        }
        ofNext = reached
        let asking = live.chains.filter { !WaitingName.isOurs($0.name) }.flatMap(\.references)
        ofNextAlone = reached.subtracting(asking).filter { thing in
            if case .chain = thing { false } else { true }
        }
    }

    private func isPlain(_ thing: Reference) -> Bool {
        !WaitingName.isOurs(thing.name) && !ofNextAlone.contains(thing)
    }

    private func isNext(_ thing: Reference) -> Bool {
        ofNext.contains(thing) || thing.name.hasPrefix(WaitingName.next)
    }

    var plain: LinearRuleset? {
        let plain = LinearRuleset(
            table: live.table, counters: live.counters.filter { isPlain(.counter($0.name)) },
            limits: live.limits.filter { isPlain(.limit($0.name)) },
            sets: live.sets.filter { isPlain(.set($0.name)) },
            chains: live.chains.filter { isPlain(.chain($0.name)) }.map { chain in
                var chain = chain
                if chain.base != nil, chain.rules.first == .asking(WaitingName.map + chain.name) {
                    chain.rules.removeFirst()
                }
                return chain
            })
        let isEmpty = plain.counters.isEmpty && plain.limits.isEmpty && plain.sets.isEmpty && plain.chains.isEmpty
        return isEmpty ? nil : plain
    }

    var next: LinearRuleset {
        let rename = { (thing: Reference) in WaitingName.plain(thing.name) }
        var hooks: [String: BaseChain] = [:]
        for chain in live.chains {
            guard let base = chain.base else { continue }
            if chain.name.hasPrefix(WaitingName.stand) {
                hooks[String(chain.name.dropFirst(WaitingName.stand.count))] = base
            } else if hooks[chain.name] == nil {
                hooks[chain.name] = base
            }
        }
        return LinearRuleset(
            table: live.table,
            counters: live.counters.filter { isNext(.counter($0.name)) }
                .map { Counter(name: WaitingName.plain($0.name)) },
            limits: live.limits.filter { isNext(.limit($0.name)) }.map { limit in
                var limit = limit
                limit.name = WaitingName.plain(limit.name)
                return limit
            },
            sets: live.sets.filter { isNext(.set($0.name)) }.map { $0.renamed(rename) },
            chains: live.chains.filter { isNext(.chain($0.name)) }.map { live in
                var chain = live.renamed(rename)
                chain.base = live.name.hasPrefix(WaitingName.next) ? hooks[chain.name] : nil
                return chain
            })
    }
}

/// What leads to the new generation: a question at the head of each base chain, and a map for it.
private struct Heads {
    private(set) var remaining: UInt64?
    private(set) var faults: [String] = []

    /// Elements of one commit go within a jiffy of each other; so much later the lack of one is no accident.
    private static let tolerance: UInt64 = 1000

    init(_ live: LinearRuleset) {
        let chains = Set(live.chains.map(\.name))
        let maps = Dictionary(live.sets.map { ($0.name, $0) }) { first, _ in first }
        var missing: [String] = []
        for chain in live.chains where chain.base != nil {
            let isStand = chain.name.hasPrefix(WaitingName.stand)
            let map = isStand ? chain.name : WaitingName.map + chain.name
            let target = isStand ? String(chain.name.dropFirst(WaitingName.stand.count)) : chain.name
            // A hook that moves has both: the old chain is then passed over.
            let isPassedOver = !isStand && chains.contains(WaitingName.stand + chain.name)
            let leads = chains.contains(WaitingName.next(target)) && !isPassedOver
            let verdict: Verdict = leads ? .goto(WaitingName.next(target)) : .accept
            if chain.rules.first != .asking(map) {
                faults.append("chain \(chain.name) does not begin by asking map \(map)")
            }
            guard case .keyed(let elements)? = maps[map]?.elements else {
                faults.append("there is no map \(map)")
                continue
            }
            for family in AddressFamily.allCases {
                guard let element = elements.first(where: { $0.key == [.family(family)] }) else {
                    missing.append("map \(map) has no \(family.rawValue)")
                    continue
                }
                if element.verdict != verdict { faults.append("map \(map) leads elsewhere for \(family.rawValue)") }
                if element.timeout == nil { faults.append("map \(map) has \(family.rawValue) for ever") }
                let left = element.remaining ?? element.timeout ?? 0
                remaining = max(remaining ?? 0, left)
            }
        }
        if let remaining, remaining > Self.tolerance { faults += missing }
    }
}
