internal import Addressing
public import HostRules
public import Reachability

extension Topology {
    /// What the kernel says of a network namespace. Of its routes only those of the main table count, as no policy routing is known.
    public init(_ network: HostNetwork) {
        let names = Dictionary(network.interfaces.map { ($0.index, $0.name) }) { first, _ in first }
        self.init(
            // What is down takes nothing, and what belongs to a bridge or bond comes in by that.
            links: network.interfaces.filter { $0.isUp && $0.master == nil }.map { Link($0, network) },
            routes: network.routes.compactMap { route in
                guard route.type == Self.unicast, route.table == Self.mainTable,
                    let name = route.interface.flatMap({ names[$0] }),
                    let subnet = AddressText(route.destination, prefixLength: route.prefixLength)
                else { return nil }
                return Route(subnet, interface: name)
            })
    }

    /// `RTN_UNICAST` and `RT_TABLE_MAIN` of `linux/rtnetlink.h`.
    private static var unicast: UInt8 { 1 }
    private static var mainTable: UInt32 { 254 }
}

extension Topology.Link {
    fileprivate init(_ interface: HostInterface, _ network: HostNetwork) {
        var forwards: Set<AddressFamily> = []
        if interface.forwards4 { forwards.insert(.ipv4) }
        if interface.forwards6, network.forwards6 { forwards.insert(.ipv6) }
        self.init(
            name: interface.name, index: interface.index,
            addresses: interface.addresses.compactMap { IPAddress(bytes: $0.bytes) }, forwards: forwards,
            routesLoopback: interface.routesLoopback)
    }
}

extension Listener {
    /// `controlGroups` are those of the socket's group and above, from the root; nil where they could not be found.
    public init?(
        _ listener: HostListener, of network: HostNetwork, processes: [String], controlGroups: [UInt64]?
    ) {
        guard let address = IPAddress(bytes: listener.address) else { return nil }
        let transport: TransportProtocol =
            switch listener.transport {
            case .tcp: .tcp
            case .udp: .udp
            }
        self.init(
            transport: transport, address: address, port: listener.port,
            takesBothFamilies: listener.takesBothFamilies,
            interface: listener.interface.map { index in
                network.interfaces.first { $0.index == index }?.name ?? "interface \(index)"
            }, processes: processes, controlGroups: controlGroups)
    }
}

extension Installation {
    /// Tables of iptables-legacy, `ip filter` and the like.
    public static func legacyTables(_ network: HostNetwork) -> [String] {
        network.legacyTables4.map { "ip \($0)" } + network.legacyTables6.map { "ip6 \($0)" }
    }
}

extension AddressText {
    fileprivate init?(_ bytes: [UInt8], prefixLength: Int) {
        guard let address = IPAddress(bytes: bytes), (0...bytes.count * 8).contains(prefixLength) else { return nil }
        switch address {
        case .v4(let address):
            let hosts = prefixLength == 0 ? UInt32.max : ~(UInt32.max << (32 - prefixLength))
            self = .v4(address.bits & ~hosts...address.bits | hosts)
        case .v6(let address):
            let hosts = prefixLength == 0 ? UInt128.max : ~(UInt128.max << (128 - prefixLength))
            self = .v6(address.bits & ~hosts...address.bits | hosts)
        }
    }
}
