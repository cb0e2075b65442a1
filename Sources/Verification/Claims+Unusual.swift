internal import Addressing
internal import Policy

/// Packets that rules written by hand often let through as a whole.
extension Claims {
    /// Servers' ports, and the ends of those that only the superuser gets: who may open a port may have any of them for his own.
    private static let serversPorts: [UInt16] = [1, 53, 123, 443, 1023]
    private static let serviceLimit = 3

    /// From ports that clients do not have, segments that open nothing, and SCTP: to what no service names, and to a few services, from
    /// somebody whom nobody lets in and from one whom the service does.
    mutating func addUnusual() {
        guard let interface = scene.external.first else { return }
        for family in AddressFamily.allCases {
            guard let address = scene.hostAddresses.last(where: { $0.family == family }),
                let stranger = Self.stranger(family, not: scene)
            else { continue }
            func dialled(_ transport: TransportProtocol, _ port: UInt16) -> Meaning.Dialled {
                Meaning.Dialled(transport: transport, address: address, port: port, interface: interface)
            }
            let own = scene.unlistedPort
            for transport in [TransportProtocol.tcp, .udp] {
                for port in Self.serversPorts {
                    add(dialled(transport, own), from: stranger, sourcePort: port, [.published, .input])
                }
            }
            add("unusual packets", dialled(.sctp, own), from: stranger, paths: [.published])
            addSegment(dialled(.tcp, own), from: stranger)
            for index in meaning.policy.services.indices.evenly(Self.serviceLimit) {
                let named = meaning.ports(of: meaning.policy.services[index], unlisted: own)
                guard let port = named.first(where: { $0.transport == .tcp })?.ports.lowerBound else { continue }
                for source in [stranger, sample(ofService: index, family)].compactMap(\.self) {
                    addSegment(dialled(.tcp, port), from: source)
                    for transport in [TransportProtocol.tcp, .udp] {
                        add(dialled(transport, port), from: source, sourcePort: 53, [.published, .input])
                    }
                }
            }
        }
    }

    private mutating func add(
        _ dialled: Meaning.Dialled, from source: IPAddress, sourcePort: UInt16, _ paths: [Claim.Path]
    ) {
        for path in paths {
            let isPublished = path == .published
            let ruling = isPublished ? meaning.published(dialled, from: source) : meaning.input(dialled, from: source)
            guard let ruling else { continue }
            var claim = Claim(
                about: "unusual packets", path: path, setup: isPublished ? .translated : .local, source: source,
                from: .beyond(dialled.interface), destination: dialled.address,
                kind: .ports(dialled.transport, dialled.port), ruling: ruling)
            claim.sourcePort = sourcePort
            add(claim)
        }
    }

    /// Conntrack takes it for a connection's first packet, and so must the rules.
    private mutating func addSegment(_ dialled: Meaning.Dialled, from source: IPAddress) {
        add(
            Claim(
                about: "unusual packets", path: .published, setup: .translated, source: source,
                from: .beyond(dialled.interface), destination: dialled.address,
                kind: .segment(source: Self.segmentPort, destination: dialled.port),
                ruling: meaning.published(dialled, from: source)))
    }

    private static let segmentPort: UInt16 = 40_002
}
