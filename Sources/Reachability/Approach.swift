public import Addressing

/// A connection that somebody outside tries to open: all of it but who it is.
public struct Approach: Hashable, Sendable {
    /// The interface that its packets come in by.
    public var interface: String
    public var transport: TransportProtocol
    /// What the client dials, before any NAT.
    public var address: IPAddress
    /// Nil stands for all ports at once: what depends on the port is unknown then.
    public var port: UInt16?

    public init(interface: String, transport: TransportProtocol, address: IPAddress, port: UInt16?) {
        self.interface = interface
        self.transport = transport
        self.address = address
        self.port = port
    }
}

/// Which sources the rules let through by one approach. The three sets are disjoint and make up the whole family.
public struct Answer: Hashable, Sendable {
    public var open: AddressSet
    public var closed: AddressSet
    /// Some rule on the way cannot be followed, and it decides.
    public var unknown: AddressSet
    /// Where those that are not closed end: whoever is let through for certain, and who may be.
    public var arrivals: [Arrival: AddressSet]
    public var stops: [Stop: AddressSet]
    /// Why something is unknown. Empty where nothing is.
    public var doubts: Set<Doubt>

    public func passage(from source: IPAddress) -> Passage {
        if open.contains(source) { return .open }
        return closed.contains(source) ? .closed : .unknown
    }
}

public enum Passage: String, Hashable, Sendable {
    case open
    case closed
    case unknown
}

/// Where a packet that is let through ends.
public enum Arrival: Hashable, Sendable {
    /// At this machine: a process that listens there gets it.
    case delivered(IPAddress?, port: UInt16?)
    /// Out of the interface, to that address, after DNAT where there is one. Nil where it is not known.
    case forwarded(IPAddress?, port: UInt16?, interface: String?)
}

/// What keeps a packet out.
public enum Stop: Hashable, Sendable {
    case rule(RuleReference)
    /// `policy drop`
    case policy(table: String, chain: String)
    case routing(RoutingStop)
}

public enum RoutingStop: String, Hashable, Sendable {
    /// 127.0.0.0/8 or ::1, from outside.
    case martian
    /// DNAT takes it somewhere that is not known.
    case unknownDestination = "unknown-destination"
    case forwardingIsOff = "forwarding-is-off"
    /// The host sends no packet of a link-local source on.
    case linkLocalSource = "link-local-source"
    case linkLocalDestination = "link-local-destination"
}

public struct RuleReference: Hashable, Sendable {
    /// `ip filter`
    public var table: String
    public var chain: String
    public var handle: UInt64
    public var comment: String?
}

/// A rule or a step that splits packets in a way that is not known.
public struct Doubt: Hashable, Sendable {
    /// Nil where it is the routing.
    public var rule: RuleReference?
    public var reason: String
}
