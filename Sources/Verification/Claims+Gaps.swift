internal import Addressing
internal import Policy

/// What lies between all that a policy names.
extension Claims {
    /// Parts of all ports that nobody names, each as great as the others.
    private static let parts = 16
    private static let gapLimit = 12

    /// One port in each part of what nobody names, and the middle of each gap, by turns from somebody whom nobody lets in and from one
    /// whom a service does.
    mutating func addGaps() {
        guard let interface = scene.external.first ?? scene.trusted.first else { return }
        let ports = unnamedPorts
        for family in AddressFamily.allCases {
            guard let address = scene.hostAddresses.last(where: { $0.family == family }),
                let stranger = Self.stranger(family, not: scene)
            else { continue }
            let services = meaning.policy.services.indices.evenly(Self.gapLimit)
            let clients = services.compactMap { sample(ofService: $0, family) }
            for (number, port) in ports.enumerated() {
                let isStrangers = clients.isEmpty || number.isMultiple(of: 2)
                let source = isStrangers ? stranger : clients[number / 2 % clients.count]
                for transport in [TransportProtocol.tcp, .udp] {
                    let dialled = Meaning.Dialled(
                        transport: transport, address: address, port: port, interface: interface)
                    add("ports between those named", dialled, from: source, paths: [.published, .input])
                }
            }
        }
    }

    private var unnamedPorts: [UInt16] {
        let named = Scene.namedPorts(meaning.policy)
        let unnamed = (UInt16(1)...UInt16.max).filter { !named.contains($0) }
        guard !unnamed.isEmpty else { return [] }
        let places = (0..<Self.parts).compactMap { part -> UInt16? in
            let (start, end) = (part * unnamed.count / Self.parts, (part + 1) * unnamed.count / Self.parts)
            guard start < end else { return nil }
            return (UInt32(start)...UInt32(end - 1)).within(2).last.map { unnamed[Int($0)] } ?? unnamed[start]
        }
        return places + gaps(named).evenly(Self.gapLimit).flatMap { $0.within(1) }
    }

    private func gaps(_ named: Set<UInt16>) -> [ClosedRange<UInt16>] {
        zip(named.sorted(), named.sorted().dropFirst()).map { $0...$1 }
    }

    private static let otherPorts = 3

    /// By interfaces of which the policy need not say anything: what is let in and refused there is as by all that are external, or all that are not.
    mutating func addOtherInterfaces() {
        let services = meaning.policy.services.indices.evenly(Self.otherPorts)
        for family in AddressFamily.allCases {
            guard let stranger = Self.stranger(family, not: scene),
                let address = scene.hostAddresses.last(where: { $0.family == family })
            else { continue }
            for interface in scene.others {
                func tried(_ transport: TransportProtocol, _ port: UInt16, _ source: IPAddress) {
                    let dialled = Meaning.Dialled(
                        transport: transport, address: address, port: port, interface: interface)
                    add("other interfaces", dialled, from: source, paths: [.published])
                }
                tried(.tcp, scene.unlistedPort, stranger)
                for index in services {
                    let named = meaning.ports(of: meaning.policy.services[index], unlisted: scene.unlistedPort)
                    guard let range = named.first(where: { $0.transport != .sctp }) else { continue }
                    for source in [stranger, sample(ofService: index, family)].compactMap(\.self) {
                        tried(range.transport, range.ports.lowerBound, source)
                    }
                }
            }
        }
    }
}
