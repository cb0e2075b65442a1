/// What a network namespace has besides its rules, as far as it decides where packets end.
public struct HostNetwork: Hashable, Sendable {
    public var interfaces: [HostInterface]
    /// Of all tables, the kernel's own with them.
    public var routes: [HostRoute]
    public var listeners: [HostListener]
    /// `net.ipv4.ip_forward`
    public var forwards4: Bool
    /// `net.ipv6.conf.all.forwarding`
    public var forwards6: Bool
    /// Tables of the old xtables, such as `filter`, whose rules no dump shows; of `/proc/net/ip_tables_names`, and of its like for IPv6.
    public var legacyTables4: [String]
    public var legacyTables6: [String]

    public init(
        interfaces: [HostInterface] = [], routes: [HostRoute] = [], listeners: [HostListener] = [],
        forwards4: Bool = false, forwards6: Bool = false, legacyTables4: [String] = [], legacyTables6: [String] = []
    ) {
        self.interfaces = interfaces
        self.routes = routes
        self.listeners = listeners
        self.forwards4 = forwards4
        self.forwards6 = forwards6
        self.legacyTables4 = legacyTables4
        self.legacyTables6 = legacyTables6
    }
}

public struct HostInterface: Hashable, Sendable {
    public struct Address: Hashable, Sendable {
        /// Of 4 or 16 bytes.
        public var bytes: [UInt8]
        public var prefixLength: Int

        public init(bytes: [UInt8], prefixLength: Int) {
            self.bytes = bytes
            self.prefixLength = prefixLength
        }
    }

    public var index: UInt32
    public var name: String
    /// `IFF_UP`
    public var isUp: Bool
    /// The index of the bridge, bond or VRF that it belongs to.
    public var master: UInt32?
    /// `macvlan`, `ipvlan`, `bridge`, `vlan`, `veth`… Nil of a device.
    public var kind: String?
    /// The index of the interface that a macvlan, an ipvlan or a VLAN is on, or of a veth's peer.
    public var parent: UInt32?
    /// The parent is in another network namespace, and its index is of that one.
    public var parentIsElsewhere: Bool
    public var addresses: [Address]
    /// `net.ipv4.conf.NAME.forwarding`
    public var forwards4: Bool
    /// `net.ipv6.conf.NAME.forwarding`
    public var forwards6: Bool
    /// `net.ipv4.conf.NAME.route_localnet`, or that of `all`: 127.0.0.0/8 is taken from the wire.
    public var routesLoopback: Bool

    public init(
        index: UInt32, name: String, isUp: Bool = true, master: UInt32? = nil, kind: String? = nil,
        parent: UInt32? = nil, parentIsElsewhere: Bool = false, addresses: [Address] = [], forwards4: Bool = false,
        forwards6: Bool = false, routesLoopback: Bool = false
    ) {
        self.index = index
        self.name = name
        self.isUp = isUp
        self.master = master
        self.kind = kind
        self.parent = parent
        self.parentIsElsewhere = parentIsElsewhere
        self.addresses = addresses
        self.forwards4 = forwards4
        self.forwards6 = forwards6
        self.routesLoopback = routesLoopback
    }
}

public struct HostRoute: Hashable, Sendable {
    /// Of 4 or 16 bytes.
    public var destination: [UInt8]
    public var prefixLength: Int
    /// `RTN_*`: 1 unicast, 2 local, 7 unreachable.
    public var type: UInt8
    /// `RT_TABLE_*`: 254 main, 255 local.
    public var table: UInt32
    /// Where it leads out; nil where it leads nowhere, or to several.
    public var interface: UInt32?
    /// Of two to the same prefix, the lesser counts.
    public var metric: UInt32

    public init(
        destination: [UInt8], prefixLength: Int, type: UInt8, table: UInt32, interface: UInt32?, metric: UInt32 = 0
    ) {
        self.destination = destination
        self.prefixLength = prefixLength
        self.type = type
        self.table = table
        self.interface = interface
        self.metric = metric
    }
}

/// A socket that takes connections, or, of UDP, packets of anybody.
public struct HostListener: Hashable, Sendable {
    public enum Transport: UInt8, Hashable, Sendable {
        case tcp = 6
        case udp = 17
    }

    public var transport: Transport
    /// Of 4 or 16 bytes; all zero stands for every address.
    public var address: [UInt8]
    public var port: UInt16
    /// Of IPv6: it takes no packets of IPv4 (`IPV6_V6ONLY`).
    public var isIPv6Only: Bool
    /// The interface that it is bound to.
    public var interface: UInt32?
    public var inode: UInt32
    public var user: UInt32
    /// Of cgroup v2; nil where the kernel has none.
    public var cgroup: UInt64?

    public init(
        transport: Transport, address: [UInt8], port: UInt16, isIPv6Only: Bool = false, interface: UInt32? = nil,
        inode: UInt32 = 0, user: UInt32 = 0, cgroup: UInt64? = nil
    ) {
        self.transport = transport
        self.address = address
        self.port = port
        self.isIPv6Only = isIPv6Only
        self.interface = interface
        self.inode = inode
        self.user = user
        self.cgroup = cgroup
    }

    /// Packets of IPv4 reach it too.
    public var takesBothFamilies: Bool { address.count == 16 && !isIPv6Only }
}
