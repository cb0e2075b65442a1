internal import Addressing
public import Nftables

extension WaitingTable {
    /// The table in which `new` is in force for `timeout` milliseconds from the commit on, and `old` from then on.
    ///
    /// What both say alike is there once, so that a big group is not sent again for a change that does not concern it; and counters
    /// of the same name are one, so that they go on counting whatever becomes of the new policy.
    public static func joined(
        _ old: LinearRuleset?, _ new: LinearRuleset, timeout: UInt64
    ) -> LinearRuleset {
        let before = old ?? LinearRuleset(table: new.table)
        let naming = Naming(before, new)
        var joined = before
        joined.table = new.table
        joined.counters += new.counters.compactMap { counter in
            naming.isShared(.counter(counter.name)) ? nil : Counter(name: naming.name(.counter(counter.name)))
        }
        joined.limits += new.limits.compactMap { limit in
            var limit = limit
            if naming.isShared(.limit(limit.name)) { return nil }
            limit.name = naming.name(.limit(limit.name))
            return limit
        }
        joined.sets += new.sets.filter { !naming.isShared(.set($0.name)) }.map { $0.renamed(naming.name) }

        let hooks = Dictionary(new.chains.compactMap { chain in chain.base.map { (chain.name, $0) } }) { first, _ in
            first
        }
        var maps: [NamedSet] = []
        for (index, chain) in before.chains.enumerated() {
            guard let base = chain.base else { continue }
            // Without a chain at this hook the new policy has nothing to say there.
            let verdict: Verdict = hooks[chain.name] == base ? .goto(WaitingName.next(chain.name)) : .accept
            let map = NamedSet(waiting: WaitingName.map + chain.name, verdict, timeout: timeout)
            joined.chains[index].rules.insert(.asking(map.name), at: 0)
            maps.append(map)
        }
        let hooksBefore = Dictionary(before.chains.map { ($0.name, $0.base) }) { first, _ in first }
        for chain in new.chains {
            guard let base = chain.base, hooksBefore[chain.name] != .some(base) else { continue }
            let name = WaitingName.stand + chain.name
            joined.chains.append(LinearChain(name: name, base: base, rules: [.asking(name)]))
            maps.append(NamedSet(waiting: name, .goto(WaitingName.next(chain.name)), timeout: timeout))
        }
        joined.chains += new.chains.filter { !naming.isShared(.chain($0.name)) }.map { chain in
            var chain = chain.renamed(naming.name)
            chain.base = nil
            return chain
        }
        // They come last, so that all their times begin as good as at once.
        joined.sets += maps
        return joined
    }
}

extension NamedSet {
    /// A map that has one answer, for as long as it has any.
    fileprivate init(waiting name: String, _ verdict: Verdict, timeout: UInt64) {
        self.init(
            name: name, key: [.nfProto], isMap: true, isInterval: false, timesOut: true,
            elements: .keyed(
                AddressFamily.allCases.map { Element(key: [.family($0)], verdict: verdict, timeout: timeout) }))
    }
}

/// What the things of the new policy are called while it waits, so that the names alone tell afterwards what belongs to whom.
///
/// A chain is the new policy's when its name says so, or when such a chain leads to it. A set, counter or limit is the new
/// policy's alone when its name says so, or when only such chains ask it.
private struct Naming {
    private var shared: Set<Reference> = []
    /// New, and found by whatever asks it.
    private var kept: Set<Reference> = []

    init(_ old: LinearRuleset, _ new: LinearRuleset) {
        let asked = Set(new.chains.flatMap(\.references))
        let askedBefore = Set(old.chains.flatMap(\.references))
        let inBoth = asked.intersection(askedBefore)

        let counters = Set(old.counters.map(\.name))
        for counter in new.counters {
            sort(.counter(counter.name), asked, inBoth, isKnown: counters.contains(counter.name))
        }
        let limits = Dictionary(old.limits.map { ($0.name, $0) }) { first, _ in first }
        for limit in new.limits {
            sort(.limit(limit.name), asked, inBoth, isKnown: limits[limit.name] != nil)
            if limits[limit.name] != limit { shared.remove(.limit(limit.name)) }
        }
        let sets = Dictionary(old.sets.map { ($0.name, $0) }) { first, _ in first }
        for set in new.sets {
            sort(.set(set.name), asked, inBoth, isKnown: sets[set.name] != nil)
            if sets[set.name]?.isSame(as: set) != true { shared.remove(.set(set.name)) }
        }
        let chains = Dictionary(old.chains.map { ($0.name, $0) }) { first, _ in first }
        let ledTo = asked.union(new.sets.flatMap(\.references))
        for chain in new.chains {
            guard let before = chains[chain.name], chain.base == nil, before == chain,
                ledTo.contains(.chain(chain.name))
            else { continue }
            shared.insert(.chain(chain.name))
        }
        leaveOutWhatLeadsElsewhere(new)
    }

    private mutating func sort(_ thing: Reference, _ asked: Set<Reference>, _ inBoth: Set<Reference>, isKnown: Bool) {
        if isKnown {
            if inBoth.contains(thing) { shared.insert(thing) }
        } else if asked.contains(thing) {
            kept.insert(thing)
        }
    }

    /// What is the same word for word may still lead to something that is not.
    private mutating func leaveOutWhatLeadsElsewhere(_ new: LinearRuleset) {
        var leading = new.chains.map { (thing: Reference.chain($0.name), references: $0.references) }
        leading += new.sets.filter(\.isMap).map { (.set($0.name), $0.references) }
        var isStable = false
        while !isStable {
            isStable = true
            for (thing, references) in leading where shared.contains(thing) && !references.isSubset(of: shared) {
                shared.remove(thing)
                isStable = false
            }
        }
    }

    func isShared(_ thing: Reference) -> Bool { shared.contains(thing) }

    func name(_ thing: Reference) -> String {
        let name = thing.name
        return shared.contains(thing) || kept.contains(thing) ? name : WaitingName.next(name)
    }
}
