internal import Addressing
internal import Rehearsal

extension Scene {
    func setting(listeners: [PortRange]) -> StageSetting {
        let interfaces = (external + trusted + others).enumerated().map { number, name in
            StageSetting.Interface(name, number == 0 ? hostAddresses : [])
        }
        let stageBridges = bridges.map { bridge in
            StageSetting.Bridge(bridge.name, Self.subnets(of: bridge.containers.flatMap(\.addresses)))
        }
        let residents = bridges.flatMap { bridge in
            bridge.containers.map { StageSetting.Container(on: bridge.name, $0.addresses) }
        }
        return StageSetting(
            interfaces: interfaces, bridges: stageBridges, containers: residents, listeners: listeners)
    }

    /// Networks for the containers of each /24 and /64, no wider than they need: clients may be in the rest of it.
    private static func subnets(of addresses: [IPAddress]) -> [StageSetting.Bridge.Subnet] {
        let groups = Dictionary(grouping: addresses) { $0.masked(to: $0.subnetLength) }
        var taken = Set(addresses)
        return groups.sorted { $0.key < $1.key }.compactMap { _, members in
            let subnet = subnet(of: members, beside: taken)
            if let subnet { taken.insert(subnet.gateway) }
            return subnet
        }
    }

    /// The host is at a free address; the first and the last of a network are nobody's. What is so in a /24 is an address like
    /// others in the wider network that it is from.
    private static func subnet(
        of members: [IPAddress], beside taken: Set<IPAddress>
    ) -> StageSetting.Bridge.Subnet? {
        guard let first = members.first else { return nil }
        for hostBits in 2...first.widestNetwork {
            let length = first.width - hostBits
            let network = first.masked(to: length)
            let last = (1 << hostBits) - 1
            let ends = [network, network.advanced(by: last)]
            guard members.allSatisfy({ $0.masked(to: length) == network && !ends.contains($0) }),
                let gateway = (1..<last).reversed().lazy.map(network.advanced).first(where: { !taken.contains($0) })
            else { continue }
            return StageSetting.Bridge.Subnet(gateway: gateway, prefixLength: length)
        }
        let network = first.masked(to: first.subnetLength)
        let gateway = (1...254).reversed().map { network.advanced(by: $0) }.first { !taken.contains($0) }
        return gateway.map { StageSetting.Bridge.Subnet(gateway: $0, prefixLength: first.subnetLength) }
    }
}

extension Claim {
    var shot: Shot {
        let (shotKind, sourcePort, port): (Shot.Kind, UInt16?, UInt16) =
            switch kind {
            case .ports(.tcp, let port): (.tcp, self.sourcePort, port)
            case .ports(.udp, let port): (.udp, self.sourcePort, port)
            case .ports(.sctp, let port): (.sctp, self.sourcePort, port)
            case .echoRequest: (.ping, nil, 0)
            case .segment(let own, let destination): (.strayAck, own, destination)
            }
        let origin: Shot.Origin =
            switch from {
            case .beyond(let name): .interface(name)
            case .container(let number): .container(number)
            case .host: .host
            }
        return Shot(shotKind, from: source, to: destination, port: port, by: origin, sourcePort: sourcePort)
    }

    /// Whether that is what the policy says, and from whom.
    func isKept(by fate: Fate, on scene: Scene) -> Bool {
        switch (ruling.outcome, fate) {
        case (.passes, .answered(let answerer)): answerer == self.answerer(on: scene)
        case (.dropped, .silent), (.rejected, .refused), (.refused, .silent), (.refused, .refused): true
        case (.passes, .silent), (.passes, .refused), (.dropped, .answered), (.dropped, .refused),
            (.rejected, .answered), (.rejected, .silent), (.refused, .answered):
            false
        }
    }

    private func answerer(on scene: Scene) -> Answerer {
        if let translated { return .container(translated) }
        if let container = scene.containers.firstIndex(where: { $0.addresses.contains(destination) }) {
            return .container(container)
        }
        guard scene.hostAddresses.contains(destination) || destination.isLoopback else { return .outside }
        return isTranslated ? .container(0) : .host
    }

    /// The host's port that somebody must listen on for an answer.
    func listener(on scene: Scene) -> PortRange? {
        guard case .ports(let transport, let port) = kind, scene.hostAddresses.contains(destination) else { return nil }
        if case .beyond = from, setup == .translated { return nil }
        return PortRange(transport, port...port)
    }
}

extension IPAddress {
    fileprivate var subnetLength: Int {
        switch self {
        case .v4: 24
        case .v6: 64
        }
    }

    /// How many bits of the widest network tried have those who are in it; one of IPv6 is a /64 where fewer are not enough.
    fileprivate var widestNetwork: Int {
        switch self {
        case .v4: 24
        case .v6: 8
        }
    }

    fileprivate var width: Int {
        switch self {
        case .v4: 32
        case .v6: 128
        }
    }

    fileprivate func masked(to length: Int) -> IPAddress {
        switch self {
        case .v4(let address): .v4(IPv4Address(address.bits & (.max << UInt32(32 - length))))
        case .v6(let address): .v6(IPv6Address(address.bits & (.max << UInt128(128 - length))))
        }
    }

    fileprivate func advanced(by count: Int) -> IPAddress {
        switch self {
        case .v4(let address): .v4(IPv4Address(address.bits + UInt32(count)))
        case .v6(let address): .v6(IPv6Address(address.bits + UInt128(count)))
        }
    }
}
