internal import Addressing
internal import Docker
internal import Policy
internal import Simulator

/// What a destination stands for: ports, each at an address by a path, before interfaces and families are told apart.
struct Doors {
    struct Door: Hashable {
        var path: Way.Path
        var ports: PortRange
        /// Nil stands for addresses of the host that no rule names.
        var address: IPAddress?
        /// Nil stands for both.
        var family: AddressFamily?
        var isBesideNamed = false
        /// The only interfaces to come in by; empty means all.
        var interfaces: [InterfaceName] = []
        var existence = Existence.certain
    }

    enum Existence: Hashable {
        case certain
        /// Docker was not asked whether docker-proxy serves the port.
        case knownToDockerOnly
    }

    private let policy: ResolvedPolicy
    private let places: NamedPlaces
    /// What docker-proxy may serve: ports of services, and those that Docker publishes.
    private var everywhere: [Key: IntervalSet<UInt32>] = [:]
    private var onAddress: [IPAddress: [PortRange]] = [:]
    private let containers: Set<IPAddress>
    private let services: [String: Service]

    private struct Key: Hashable {
        var transport: TransportProtocol
        var family: AddressFamily
    }

    init(_ policy: ResolvedPolicy, _ places: NamedPlaces) {
        self.policy = policy
        self.places = places
        services = Dictionary(policy.services.map { ($0.name, $0) }) { first, _ in first }
        containers = Set(policy.inventory.containers.flatMap { $0.attachments.flatMap(\.addresses) })
        var ranges: [Key: [ClosedRange<UInt32>]] = [:]
        func note(_ range: PortRange, _ families: [AddressFamily]) {
            for family in families {
                ranges[Key(transport: range.transport, family: family), default: []]
                    .append(UInt32(range.ports.lowerBound)...UInt32(range.ports.upperBound))
            }
        }
        for service in policy.services {
            let isLimited = !service.on.isEmpty || !service.interfaces.isEmpty
            for port in service.hostPorts {
                if port.address == nil || isLimited { note(port.range, AddressFamily.allCases) }
                if let address = port.address { onAddress[address, default: []].append(port.range) }
            }
        }
        for binding in policy.inventory.containers.flatMap(\.bindings) {
            let range = PortRange(binding.transport, binding.hostPort...binding.hostPort)
            if binding.hostAddress.isUnspecified {
                note(range, [binding.hostAddress.family])
            } else {
                onAddress[binding.hostAddress, default: []].append(range)
            }
        }
        everywhere = ranges.mapValues { IntervalSet($0) }
    }

    // MARK: Destinations

    func of(_ destination: Destination) -> Result<[Door], Obstacle> {
        switch destination {
        case .service(let name): services[name].map { of($0) } ?? .success([])
        case .hostService(let name): .success(ofHostService(name))
        case .published(let address?, let range) where containers.contains(address):
            .success(atContainer(address, range, []))
        case .published(let address?, let range): .success(published(at: address, range))
        case .published(nil, let range): .success(published(range))
        case .machine(let range): .success(machine(range))
        case .container(let name): ofContainer(name)
        }
    }

    struct Obstacle: Error {
        var reason: Explanation.Obstacle
    }

    private func of(_ service: Service) -> Result<[Door], Obstacle> {
        var doors: [Door] = []
        switch service.publish {
        case .any: doors = anyPort(service)
        case .ports, .selected:
            for port in service.hostPorts {
                if let address = port.address {
                    doors += published(at: address, port.range, by: service.interfaces)
                } else {
                    doors += published(port.range, by: service.interfaces)
                }
            }
        }
        for port in service.direct { doors += atContainer(port.address, port.range, service.interfaces) }
        guard doors.isEmpty, service.selector != nil else { return .success(doors) }
        return .failure(
            Obstacle(
                reason: policy.isDockerKnown
                    ? .nothingRuns(service: service.name) : .dockerNotAsked(service: service.name)))
    }

    /// Every published port, those that other services name among them.
    private func anyPort(_ service: Service) -> [Door] {
        TransportProtocol.allCases.flatMap { transport -> [Door] in
            let all = PortRange(transport, 1...UInt16.max)
            if service.on.isEmpty { return published(all, by: service.interfaces) }
            return service.on.flatMap { published(at: $0, all, by: service.interfaces) }
        }
    }

    private func published(_ range: PortRange, by interfaces: [InterfaceName] = []) -> [Door] {
        var doors: [Door] = []
        for piece in places.pieces(of: range.ports) {
            let piece = PortRange(range.transport, piece)
            let named = places.addresses(naming: piece.ports)
            for address in named { doors += published(at: address, piece, by: interfaces) }
            for family in AddressFamily.allCases {
                let isProxied = everywhere[Key(transport: range.transport, family: family)]?
                    .contains(UInt32(piece.ports.lowerBound))
                for (path, existence) in paths(isProxied: isProxied == true) {
                    doors.append(
                        Door(
                            path: path, ports: piece, address: nil, family: family, isBesideNamed: !named.isEmpty,
                            interfaces: interfaces, existence: existence))
                }
            }
        }
        return doors
    }

    private func published(
        at address: IPAddress, _ range: PortRange, by interfaces: [InterfaceName] = []
    ) -> [Door] {
        places.pieces(of: range.ports).flatMap { piece -> [Door] in
            let piece = PortRange(range.transport, piece)
            let isProxied =
                everywhere[Key(transport: range.transport, family: address.family)]?
                .contains(UInt32(piece.ports.lowerBound)) == true
                || onAddress[address]?.contains {
                    $0.transport == range.transport && $0.ports.overlaps(piece.ports)
                } == true
            return paths(isProxied: isProxied).map { path, existence in
                Door(
                    path: path, ports: piece, address: address, family: address.family, interfaces: interfaces,
                    existence: existence)
            }
        }
    }

    private func paths(isProxied: Bool) -> [(Way.Path, Existence)] {
        if isProxied { return [(.published, .certain), (.proxy, .certain)] }
        return [(.published, .certain)] + (policy.isDockerKnown ? [] : [(.proxy, .knownToDockerOnly)])
    }

    private func machine(_ range: PortRange) -> [Door] {
        places.pieces(of: range.ports).flatMap { piece -> [Door] in
            let piece = PortRange(range.transport, piece)
            let named = places.addresses(naming: piece.ports)
            let any = AddressFamily.allCases.map { family in
                Door(path: .host, ports: piece, address: nil, family: family, isBesideNamed: !named.isEmpty)
            }
            return any
                + named.map { Door(path: .host, ports: piece, address: $0, family: $0.family) }
        }
    }

    private func ofHostService(_ name: String) -> [Door] {
        switch policy.host?.services.first(where: { $0.name == name })?.opening {
        case .ports(let ranges): ranges.flatMap { machine($0) }
        case .echoRequest, nil: []
        }
    }

    private func atContainer(_ address: IPAddress, _ range: PortRange, _ interfaces: [InterfaceName]) -> [Door] {
        places.pieces(of: range.ports).map { piece in
            Door(
                path: isOnTheWire(address) ? .wire : .direct, ports: PortRange(range.transport, piece),
                address: address, family: address.family, interfaces: interfaces)
        }
    }

    private func isOnTheWire(_ address: IPAddress) -> Bool {
        if places.isOnTheWire(address) { return true }
        return policy.inventory.containers.contains { container in
            container.attachments.contains { attachment in
                guard attachment.addresses.contains(address) else { return false }
                return switch policy.inventory.network(id: attachment.network)?.driver {
                case .macvlan, .ipvlan: true
                case .bridge, .host, .none?, .overlay, .other, nil: false
                }
            }
        }
    }

    private func ofContainer(_ name: String) -> Result<[Door], Obstacle> {
        guard let container = policy.inventory.containers.first(where: { $0.name == name }) else { return .success([]) }
        guard !container.usesHostNetwork else { return .failure(Obstacle(reason: .hostNetwork(container: name))) }
        var doors: [Door] = []
        for binding in container.bindings {
            let range = PortRange(binding.transport, binding.hostPort...binding.hostPort)
            doors +=
                binding.hostAddress.isUnspecified
                ? published(range).filter { $0.family == binding.hostAddress.family }
                : published(at: binding.hostAddress, range)
        }
        let ports = Set(
            container.publishedPorts
                + container.bindings.map { PortRange($0.transport, $0.containerPort...$0.containerPort) })
        for attachment in container.attachments {
            guard let network = policy.inventory.network(id: attachment.network) else { continue }
            // Elsewhere its own address is closed, by `unlisted` here, and since 28.0 by Docker too.
            let isLeftOpen = policy.unlisted == .accept && network.driver == .bridge && !network.isInternal
            for address in attachment.addresses where isLeftOpen || network.leadsOutside(address.family) {
                for range in ports.sorted() { doors += atContainer(address, range, []) }
            }
        }
        return doors.isEmpty ? .failure(Obstacle(reason: .publishesNothing(container: name))) : .success(doors)
    }
}

extension Network {
    /// Whether clients dial its containers at their own addresses.
    fileprivate func leadsOutside(_ family: AddressFamily) -> Bool {
        switch driver {
        case .bridge: !isInternal && gatewayMode(family).isDirect
        case .macvlan, .ipvlan: true
        case .host, .none, .overlay, .other: false
        }
    }
}
