internal import Addressing
internal import HostRules

/// The way of an approach's packets through the host's hooks, in the kernel's order.
struct Journey<Bits: AddressBits> {
    private var walk: ChainWalk<Bits>
    private var dropped: [Stop: [ClosedRange<Bits>]] = [:]
    private var arrived: [Arrival: [ClosedRange<Bits>]] = [:]

    init(_ prepared: Prepared, _ topology: Topology, _ listeners: [Listener]) {
        walk = ChainWalk(prepared, topology, listeners)
    }

    private var topology: Topology { walk.topology }

    struct Reached {
        var arrivals: [Arrival: IntervalSet<Bits>]
        var stops: [Stop: IntervalSet<Bits>]
        var open: IntervalSet<Bits>
        var closed: IntervalSet<Bits>
        var unknown: IntervalSet<Bits>
        var doubts: Set<Doubt>
    }

    mutating func reach(_ approach: Approach, _ extent: Extent) -> Reached {
        dropped = [:]
        arrived = [:]
        walk.doubts = []
        var pieces = Pieces<Bits>()
        pieces.add(PacketState(approach), .all)
        let ingress = Place(hook: .ingress, input: approach.interface, output: "")
        pieces = pass(pieces, at: .ingress, approach, ingress)
        switch extent {
        case .host: travel(pieces, approach)
        case .ingress:
            for (_, sources) in pieces.sets {
                arrived[.forwarded(approach.address, port: approach.port, interface: nil), default: []] +=
                    sources.ranges
            }
        }
        let arrivals = arrived.mapValues { IntervalSet($0) }
        let stops = dropped.mapValues { IntervalSet($0) }
        let mayArrive = IntervalSet(arrivals.values.flatMap(\.ranges))
        let mayStop = IntervalSet(stops.values.flatMap(\.ranges))
        let unknown = mayArrive.intersection(mayStop)
        return Reached(
            arrivals: arrivals, stops: stops, open: mayArrive.subtracting(mayStop),
            closed: mayStop.subtracting(mayArrive), unknown: unknown, doubts: unknown.isEmpty ? [] : walk.doubts)
    }

    private mutating func travel(_ start: Pieces<Bits>, _ approach: Approach) {
        // `ip6_rcv` looks at this before any rule; IPv4 at its routing, when DNAT has been.
        if approach.address.family == .ipv6, approach.address.isLoopback { return stop(start, .martian) }
        let place = Place(hook: .prerouting, input: approach.interface, output: "")
        var pieces = pass(start, at: .prerouting, approach, place) { $0.priority < HookPriority.conntrack && !$0.isNAT }
        pieces = pieces.tracked()
        pieces = pass(pieces, at: .prerouting, approach, place) {
            !$0.isNAT && (HookPriority.conntrack..<HookPriority.destinationNAT).contains($0.priority)
        }
        pieces = translate(pieces, approach, place)
        pieces = pass(pieces, at: .prerouting, approach, place) {
            !$0.isNAT && $0.priority >= HookPriority.destinationNAT
        }
        for (state, sources) in pieces.sets { route(state, sources, approach) }
    }

    /// Destination NAT is decided once, for a connection's first packet, by the first chain that has a rule for it.
    private mutating func translate(_ pieces: Pieces<Bits>, _ approach: Approach, _ place: Place) -> Pieces<Bits> {
        let chains = walk.prepared.chains(at: .prerouting, Bits.family).filter(\.base.isNAT)
        var waiting = pieces
        var done = Pieces<Bits>()
        for base in chains {
            var next = Pieces<Bits>()
            for (state, sources) in waiting.sets {
                guard state.tracking == .tracked else {
                    next.add(state, sources)
                    continue
                }
                let outcome = judge(base, approach, place, state, sources)
                for (after, sources) in outcome.sets {
                    if after == state { next.add(after, sources) } else { done.add(after, sources) }
                }
            }
            waiting = next
        }
        done.add(waiting)
        return done
    }

    private mutating func route(_ state: PacketState, _ sources: IntervalSet<Bits>, _ approach: Approach) {
        var pieces = Pieces<Bits>()
        pieces.add(state, sources)
        guard let address = state.address else {
            walk.doubts.insert(Doubt(rule: nil, reason: "where NAT sends it is not known"))
            stop(pieces, .unknownDestination)
            if state.isRedirected { return deliver(pieces, approach) }
            return forward(pieces, approach, to: nil)
        }
        if address.isLoopback {
            if address.family == .ipv4, topology.link(approach.interface)?.routesLoopback == true {
                return deliver(pieces, approach)
            }
            return stop(pieces, .martian)
        }
        if state.isRedirected || topology.isLocal(address, arrivingBy: approach.interface) || address.isForMany {
            return deliver(pieces, approach)
        }
        guard topology.link(approach.interface)?.forwards.contains(Bits.family) == true else {
            return stop(pieces, .forwardingIsOff)
        }
        if Bits.family == .ipv6 {
            if address.isLinkLocal { return stop(pieces, .linkLocalDestination) }
            let linkLocal = IntervalSet<Bits>([
                Bits(0x3fa) << (Bits.bitWidth - 10)...(Bits(0x3fb) << (Bits.bitWidth - 10) - 1)
            ])
            var theirs = Pieces<Bits>()
            theirs.add(state, sources.intersection(linkLocal))
            stop(theirs, .linkLocalSource)
            pieces = Pieces()
            pieces.add(state, sources.subtracting(linkLocal))
        }
        forward(pieces, approach, to: topology.interface(towards: address))
    }

    private mutating func deliver(_ pieces: Pieces<Bits>, _ approach: Approach) {
        let place = Place(hook: .input, input: approach.interface, output: "")
        for (state, sources) in pass(pieces, at: .input, approach, place).sets {
            arrived[.delivered(state.address, port: state.port), default: []] += sources.ranges
        }
    }

    private mutating func forward(_ pieces: Pieces<Bits>, _ approach: Approach, to interface: String?) {
        let place = Place(hook: .forward, input: approach.interface, output: interface)
        var pieces = pass(pieces, at: .forward, approach, place)
        let leaving = Place(hook: .postrouting, input: approach.interface, output: interface)
        pieces = pass(pieces, at: .postrouting, approach, leaving)
        for (state, sources) in pieces.sets {
            arrived[.forwarded(state.address, port: state.port, interface: interface), default: []] += sources.ranges
        }
    }

    private mutating func stop(_ pieces: Pieces<Bits>, _ reason: RoutingStop) {
        for (_, sources) in pieces.sets { dropped[.routing(reason), default: []] += sources.ranges }
    }

    /// An accept ends its own base chain only; the next one decides again.
    private mutating func pass(
        _ pieces: Pieces<Bits>, at hook: HostChain.Base.Hook, _ approach: Approach, _ place: Place,
        where isWanted: (HostChain.Base) -> Bool = { _ in true }
    ) -> Pieces<Bits> {
        let device = hook == .ingress ? approach.interface : nil
        var pieces = pieces
        for base in walk.prepared.chains(at: hook, Bits.family, device: device) where isWanted(base.base) {
            var next = Pieces<Bits>()
            for (state, sources) in pieces.sets { next.add(judge(base, approach, place, state, sources)) }
            pieces = next
        }
        return pieces
    }

    private mutating func judge(
        _ base: Prepared.Base, _ approach: Approach, _ place: Place, _ state: PacketState, _ sources: IntervalSet<Bits>
    ) -> Pieces<Bits> {
        var outcome = walk.run(base.chain, table: base.table, approach, place, state, sources)
        dropped.merge(outcome.dropped) { $0 + $1 }
        if base.base.dropsByDefault {
            let policy = Stop.policy(table: walk.prepared.tables[base.table].label, chain: base.chain.name)
            for (_, sources) in outcome.returned.sets { dropped[policy, default: []] += sources.ranges }
        } else {
            outcome.accepted.add(outcome.returned)
        }
        return outcome.accepted
    }
}

extension Pieces {
    /// Behind conntrack.
    fileprivate func tracked() -> Self {
        var pieces = Self()
        for (state, sources) in sets {
            var state = state
            if state.tracking == .notYet { state.tracking = .tracked }
            pieces.add(state, sources)
        }
        return pieces
    }
}
