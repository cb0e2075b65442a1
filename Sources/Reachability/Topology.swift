public import Addressing

/// What the routing of a host decides about a packet from outside, as far as rules depend on it.
///
/// Policy routing, `rp_filter` and VRFs are not in it: see docs/decisions/0013-audit.md.
public struct Topology: Hashable, Sendable {
    public struct Link: Hashable, Sendable {
        public var name: String
        public var index: UInt32
        public var addresses: [IPAddress]
        /// `net.ipv4.conf.NAME.forwarding` and `net.ipv6.conf.NAME.forwarding`.
        public var forwards: Set<AddressFamily>
        /// `net.ipv4.conf.NAME.route_localnet`: 127.0.0.0/8 is taken from the wire.
        public var routesLoopback: Bool

        public init(
            name: String, index: UInt32 = 0, addresses: [IPAddress] = [], forwards: Set<AddressFamily> = [],
            routesLoopback: Bool = false
        ) {
            self.name = name
            self.index = index
            self.addresses = addresses
            self.forwards = forwards
            self.routesLoopback = routesLoopback
        }
    }

    public struct Route: Hashable, Sendable {
        public var subnet: AddressText
        public var interface: String

        public init(_ subnet: AddressText, interface: String) {
            self.subnet = subnet
            self.interface = interface
        }
    }

    public var links: [Link]
    public var routes: [Route]

    public init(links: [Link], routes: [Route]) {
        self.links = links
        self.routes = routes
    }

    func link(_ name: String) -> Link? { links.first { $0.name == name } }

    /// Linux takes a packet for any of its addresses by any interface; a link-local address is one of its interface only.
    func isLocal(_ address: IPAddress, arrivingBy interface: String) -> Bool {
        links.contains { link in
            link.addresses.contains(address) && (!address.isLinkLocal || link.name == interface)
        }
    }

    /// Where the longest matching subnet is attached.
    func interface(towards address: IPAddress) -> String? {
        routes.filter { $0.subnet.contains(address) }.min { $0.subnet.size < $1.subnet.size }?.interface
    }
}

extension AddressText {
    func contains(_ address: IPAddress) -> Bool {
        switch (self, address) {
        case (.v4(let range), .v4(let address)): range.contains(address.bits)
        case (.v6(let range), .v6(let address)): range.contains(address.bits)
        case (.v4, .v6), (.v6, .v4): false
        }
    }

    fileprivate var size: UInt128 {
        switch self {
        case .v4(let range): UInt128(range.upperBound - range.lowerBound)
        case .v6(let range): range.upperBound - range.lowerBound
        }
    }
}

extension IPAddress {
    /// `fe80::/10`; IPv4 forwards 169.254.0.0/16 like any other.
    var isLinkLocal: Bool {
        switch self {
        case .v4: false
        case .v6(let address): address.bits >> 118 == 0x3fa
        }
    }

    /// Multicast, and what IPv4 broadcasts to.
    var isForMany: Bool {
        switch self {
        case .v4(let address): address.bits >> 28 == 0xe || address.bits == .max
        case .v6(let address): address.bits >> 120 == 0xff
        }
    }
}

extension FixedWidthInteger where Self: UnsignedInteger {
    /// As a register holds a number of the kernel's own.
    var hostOrder: [UInt8] {
        UInt16(1).littleEndian == 1 ? networkOrder.reversed() : networkOrder
    }
}
