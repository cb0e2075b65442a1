public import Addressing

/// Which interface leads to an address by the routes of a host: where packets go out, and, as a rule, where answers come in by.
///
/// The rest is not known: policy routing, VRFs, neighbours that answer by another way than they are sent to.
public struct HostWays: Sendable {
    /// Interfaces of the best routes to each prefix, the longest prefixes first.
    private let ways: [(length: Int, interfaces: [IPAddress: [String]])]
    private let locals: [(length: Int, addresses: Set<IPAddress>)]

    public init(_ network: HostNetwork) {
        let names = Dictionary(network.interfaces.map { ($0.index, $0.name) }) { first, _ in first }
        var best: [Prefix: (metric: UInt32, interfaces: [String])] = [:]
        var locals: [Int: Set<IPAddress>] = [:]
        for route in network.routes {
            guard let prefix = Prefix(route) else { continue }
            if route.type == Self.local {
                locals[prefix.length, default: []].insert(prefix.address)
            } else if route.type == Self.unicast, route.table == Self.mainTable,
                let name = route.interface.flatMap({ names[$0] })
            {
                let known = best[prefix]
                if let known, known.metric < route.metric { continue }
                let others = known?.metric == route.metric ? known?.interfaces ?? [] : []
                best[prefix] = (route.metric, others.contains(name) ? others : others + [name])
            }
        }
        var ways: [Int: [IPAddress: [String]]] = [:]
        for (prefix, way) in best { ways[prefix.length, default: [:]][prefix.address] = way.interfaces.sorted() }
        self.ways = ways.sorted { $0.key > $1.key }.map { ($0.key, $0.value) }
        self.locals = locals.sorted { $0.key > $1.key }.map { ($0.key, $0.value) }
    }

    /// In order of their names: several where equal routes lead by several, as IPv6's link-local ones do; none where no route does.
    public func interfaces(towards address: IPAddress) -> [String] {
        for (length, interfaces) in ways {
            if let found = interfaces[address.network(length)] { return found }
        }
        return []
    }

    /// Whether the host itself takes what is sent there.
    public func isLocal(_ address: IPAddress) -> Bool {
        locals.contains { $0.addresses.contains(address.network($0.length)) }
    }

    private struct Prefix: Hashable {
        var address: IPAddress
        var length: Int

        init?(_ route: HostRoute) {
            guard let address = IPAddress(bytes: route.destination) else { return nil }
            length = route.prefixLength
            self.address = address.network(length)
        }
    }

    /// `RTN_UNICAST`, `RTN_LOCAL` and `RT_TABLE_MAIN` of `linux/rtnetlink.h`.
    private static var unicast: UInt8 { 1 }
    private static var local: UInt8 { 2 }
    private static var mainTable: UInt32 { 254 }
}

extension IPAddress {
    /// From its 4 or 16 bytes, as they are on the wire.
    public init?(bytes: [UInt8]) {
        switch bytes.count {
        case 4: self = .v4(IPv4Address(bytes.reduce(0) { $0 << 8 | UInt32($1) }))
        case 16: self = .v6(IPv6Address(bytes.reduce(0) { $0 << 8 | UInt128($1) }))
        case _: return nil
        }
    }

    /// Its first bits; of a length that its family does not have, all of them.
    fileprivate func network(_ length: Int) -> Self {
        switch self {
        case .v4(let address): .v4(IPv4Address(address.bits & ~Self.hosts(length)))
        case .v6(let address): .v6(IPv6Address(address.bits & ~Self.hosts(length)))
        }
    }

    private static func hosts<Bits: AddressBits>(_ length: Int) -> Bits {
        length >= Bits.bitWidth ? 0 : Bits.max >> length
    }
}
