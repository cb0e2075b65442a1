public import Addressing
public import HostRules

/// Says who reaches what by the rules of a whole host: ours, Docker's, and anybody else's.
///
/// An answer holds for a packet that opens a connection, and for all its possible sources at once. What cannot be followed makes
/// the answer unknown for the sources that it decides about, and for no others.
public struct Reachability {
    private var v4: Journey<UInt32>
    private var v6: Journey<UInt128>

    /// `listeners` are all that the host has: rules may go by the control group of the socket that a packet is for.
    public init(_ ruleset: HostRuleset, topology: Topology, listeners: [Listener] = []) {
        let prepared = Prepared(ruleset)
        v4 = Journey(prepared, topology, listeners)
        v6 = Journey(prepared, topology, listeners)
    }

    public mutating func answer(_ approach: Approach, through extent: Extent = .host) -> Answer {
        switch approach.address.family {
        case .ipv4: Answer(v4.reach(approach, extent))
        case .ipv6: Answer(v6.reach(approach, extent))
        }
    }

    /// Of one client: whether the rules let it through to whatever is there.
    public mutating func passage(from source: IPAddress, _ approach: Approach) -> Passage {
        answer(approach).passage(from: source)
    }
}

/// How far into the host a packet comes.
public enum Extent: Hashable, Sendable {
    case host
    /// To a macvlan's or ipvlan's container: only what hooks into the parent interface sees it.
    case ingress
}

extension Answer {
    fileprivate init(_ reached: Journey<UInt32>.Reached) {
        self.init(
            open: AddressSet(v4: reached.open), closed: AddressSet(v4: reached.closed),
            unknown: AddressSet(v4: reached.unknown), arrivals: reached.arrivals.mapValues { AddressSet(v4: $0) },
            stops: reached.stops.mapValues { AddressSet(v4: $0) }, doubts: reached.doubts)
    }

    fileprivate init(_ reached: Journey<UInt128>.Reached) {
        self.init(
            open: AddressSet(v6: reached.open), closed: AddressSet(v6: reached.closed),
            unknown: AddressSet(v6: reached.unknown), arrivals: reached.arrivals.mapValues { AddressSet(v6: $0) },
            stops: reached.stops.mapValues { AddressSet(v6: $0) }, doubts: reached.doubts)
    }
}
