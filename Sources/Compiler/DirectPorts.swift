internal import Addressing
internal import Docker
internal import Nftables
internal import Policy

/// The maps of containers that are reached at their own addresses, on networks that Docker routes.
///
/// What comes so has been through no DNAT, and what the client dialled is the container itself.
struct DirectPorts {
    private(set) var maps: [NamedSet] = []
    private(set) var lookups: [Rule] = []
    /// Whether a service may leave a client to what follows: it is reached through other interfaces.
    private(set) var comesBack = false
    private(set) var ports: [TransportProtocol: [ClosedRange<UInt16>]] = [:]

    init(_ policy: ResolvedPolicy, chains: inout ServiceChains) {
        let elsewhere = policy.inventory.addressesOnParents
        for transport in TransportProtocol.allCases {
            var ranges: [IPAddress: [(ports: ClosedRange<UInt16>, owner: Int)]] = [:]
            for index in policy.services.indices {
                for port in policy.services[index].direct
                where port.range.transport == transport && !elsewhere.contains(port.address) {
                    ranges[port.address, default: []].append((port.range.ports, index))
                    comesBack = comesBack || !policy.services[index].interfaces.isEmpty
                }
            }
            var elements4: [Element] = []
            var elements6: [Element] = []
            for (address, ranges) in ranges.sorted(by: { $0.key < $1.key }) {
                for stretch in PortMap(ranges).stretches {
                    ports[transport, default: []].append(stretch.ports)
                    let verdict = chains.verdict(for: stretch.owners.map { policy.services[$0] })
                    switch address {
                    case .v4(let address):
                        let key: [KeyField] = [.ipv4(address.bits...address.bits), .service(stretch.ports)]
                        elements4.append(Element(key: key, verdict: verdict))
                    case .v6(let address):
                        let key: [KeyField] = [.ipv6(address.bits...address.bits), .service(stretch.ports)]
                        elements6.append(Element(key: key, verdict: verdict))
                    }
                }
            }
            addMap("direct-\(transport)-v4", .ipv4Address, elements4, transport)
            addMap("direct-\(transport)-v6", .ipv6Address, elements6, transport)
        }
    }

    private mutating func addMap(
        _ name: String, _ address: DataType, _ elements: [Element], _ transport: TransportProtocol
    ) {
        guard !elements.isEmpty else { return }
        let key: [DataType] = [address, .inetService]
        maps.append(NamedSet(name: name, key: key, isMap: true, elements: .keyed(elements)))
        lookups.append(
            Rule([
                .match(.meta(.l4proto), .equals(.l4proto(L4Protocol(transport)))),
                .verdictMap(key.map(\.dialled), map: name),
            ]))
    }
}

extension Inventory {
    /// Addresses of containers that share an interface of the host: what comes to them does not come through its stack.
    fileprivate var addressesOnParents: Set<IPAddress> {
        var addresses: Set<IPAddress> = []
        for attachment in containers.flatMap(\.attachments) {
            switch network(id: attachment.network)?.driver {
            case .macvlan, .ipvlan: addresses.formUnion(attachment.addresses)
            case .bridge, .host, .none?, .overlay, .other, nil: break
            }
        }
        return addresses
    }
}
