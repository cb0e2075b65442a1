public import Addressing

/// A socket of the host that takes connections, or packets.
public struct Listener: Hashable, Sendable {
    public var transport: TransportProtocol
    /// `0.0.0.0` and `::` stand for every address; `::` for those of IPv4 too where it takes both.
    public var address: IPAddress
    public var port: UInt16
    public var takesBothFamilies: Bool
    /// The only one that it takes packets from; nil where it takes them from all.
    public var interface: String?
    /// Names of the processes that hold it, as far as they may be seen.
    public var processes: [String]
    /// The control group (version 2) that it was made in and those above it, by their level: the root is 0. Nil where they are
    /// not known.
    public var controlGroups: [UInt64]?

    public init(
        transport: TransportProtocol, address: IPAddress, port: UInt16, takesBothFamilies: Bool = false,
        interface: String? = nil, processes: [String] = [], controlGroups: [UInt64]? = nil
    ) {
        self.transport = transport
        self.address = address
        self.port = port
        self.takesBothFamilies = takesBothFamilies
        self.interface = interface
        self.processes = processes
        self.controlGroups = controlGroups
    }

    /// Whether what comes there is for it.
    public func takes(_ transport: TransportProtocol, _ address: IPAddress, _ port: UInt16) -> Bool {
        guard self.transport == transport, self.port == port else { return false }
        if self.address == address { return true }
        guard self.address.isEveryAddress else { return false }
        return self.address.family == address.family || takesBothFamilies && self.address.family == .ipv6
    }
}

/// What `socket cgroupv2 level N` finds for a packet.
enum SocketGroup: Hashable {
    case group(UInt64)
    /// The socket's group is not as deep: the rule ends.
    case none
    case unknown
}

extension [Listener] {
    /// Of the socket that a packet for this machine comes to.
    ///
    /// The kernel prefers a socket of that very address to one of every address, and whatever else it goes by
    /// (`compute_score` of `net/ipv4/inet_hashtables.c`) tells sockets apart that may well be of one group.
    func group(_ transport: TransportProtocol, _ address: IPAddress, _ port: UInt16, by interface: String, level: Int)
        -> SocketGroup
    {
        let takers = filter {
            $0.takes(transport, address, port) && ($0.interface == nil || $0.interface == interface)
        }
        let exact = takers.filter { $0.address == address }
        let groups = Set((exact.isEmpty ? takers : exact).map { $0.group(level) })
        return groups.count == 1 ? groups.first ?? .unknown : .unknown
    }
}

extension Listener {
    fileprivate func group(_ level: Int) -> SocketGroup {
        guard let controlGroups else { return .unknown }
        return controlGroups.indices.contains(level) ? .group(controlGroups[level]) : .none
    }
}

extension IPAddress {
    /// `0.0.0.0` and `::`, which stand for all of their family.
    public var isEveryAddress: Bool {
        switch self {
        case .v4(let address): address.bits == 0
        case .v6(let address): address.bits == 0
        }
    }
}
