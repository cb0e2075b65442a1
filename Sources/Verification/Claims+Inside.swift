internal import Addressing
internal import Docker
internal import Policy

/// What no service has a word in.
extension Claims {
    /// Published ports and containers' own addresses that no service allows, loopback from outside, and pings.
    mutating func addUnlisted() {
        let port = scene.unlistedPort
        for family in AddressFamily.allCases {
            guard let source = Self.stranger(family, not: scene) else { continue }
            for interface in scene.external + scene.trusted {
                for address in scene.hostAddresses where address.family == family {
                    for transport in [TransportProtocol.tcp, .udp] {
                        let dialled = Meaning.Dialled(
                            transport: transport, address: address, port: port, interface: interface)
                        add("unlisted", dialled, from: source, paths: [.published, .input])
                    }
                }
                addOwnAddresses(source, interface)
                addLoopback(source, interface)
            }
            addEchoRequests(source)
        }
    }

    /// One who is in no list, unless a list has everyone.
    static func stranger(_ family: AddressFamily, not scene: Scene) -> IPAddress? {
        let candidates: [IPAddress] =
            switch family {
            case .ipv4: (1...250).map { .v4(IPv4Address(0xc633_6400 + $0)) }
            case .ipv6: (1...250).map { .v6(IPv6Address(0x2001_0db8_fffe << 80 | $0)) }
            }
        return candidates.last { !scene.isTaken($0) }
    }

    private mutating func addOwnAddresses(_ source: IPAddress, _ interface: String) {
        for container in scene.containers {
            guard let address = container.address(source.family) else { continue }
            for (transport, port) in [(TransportProtocol.tcp, scene.unlistedPort), (.udp, scene.unlistedPort)] {
                let dialled = Meaning.Dialled(
                    transport: transport, address: address, port: port, interface: interface)
                // Where it is Docker that keeps it out, there is nothing to be seen of a policy that lets it in.
                let isDockers = container == scene.published
                if isDockers, !meaning.isExternal(interface) || meaning.policy.unlisted == .accept { continue }
                add("containers' own addresses", dialled, from: source, paths: [.direct])
            }
        }
    }

    private mutating func addLoopback(_ source: IPAddress, _ interface: String) {
        guard source.family == .ipv4, meaning.isExternal(interface) else { return }
        var targets = [(client: source, port: scene.unlistedPort)]
        for index in meaning.policy.services.indices where targets.count < 5 {
            let named = meaning.policy.services[index].hostPorts.first {
                $0.address == nil && $0.range.transport == .tcp
            }
            guard let named, let client = sample(ofService: index, .ipv4) else { continue }
            targets.append((client, named.range.ports.lowerBound))
        }
        for (client, port) in targets {
            let dialled = Meaning.Dialled(
                transport: .tcp, address: .v4(IPv4Address(0x7f00_0001)), port: port, interface: interface)
            add("loopback from outside", dialled, from: client, paths: [.published])
        }
    }

    private mutating func addEchoRequests(_ source: IPAddress) {
        for interface in scene.external + scene.trusted {
            let isJudged = meaning.isExternal(interface)
            for address in scene.hostAddresses where address.family == source.family {
                add(
                    Claim(
                        about: "ping", path: isJudged ? .input : .trusted, setup: .local, source: source,
                        from: .beyond(interface), destination: address, kind: .echoRequest,
                        ruling: isJudged ? meaning.echoRequest(from: source) : .trusted))
            }
            for container in scene.containers where container != scene.published {
                guard let address = container.address(source.family) else { continue }
                add(
                    Claim(
                        about: "containers' own addresses", path: isJudged ? .direct : .trusted, setup: .translated,
                        source: source, from: .beyond(interface), destination: address, kind: .echoRequest,
                        ruling: isJudged ? meaning.unlisted : .trusted))
            }
        }
    }

    /// What Docker has published and no service names, as docker-proxy has it.
    mutating func addDockersPorts() {
        for binding in meaning.policy.inventory.containers.flatMap(\.bindings).evenly(256) {
            let family = binding.hostAddress.family
            let addresses = scene.hostAddresses.filter {
                $0.family == family && (binding.hostAddress.isUnspecified || $0 == binding.hostAddress)
            }
            guard let address = addresses.first, let source = Self.stranger(family, not: scene),
                let interface = scene.external.first
            else { continue }
            let dialled = Meaning.Dialled(
                transport: binding.transport, address: address, port: binding.hostPort, interface: interface)
            add("what Docker publishes", dialled, from: source, paths: [.published, .input])
        }
    }

    // MARK: From inside

    /// Containers and the host reach what they reached before, also where the port is one that the policy names.
    mutating func addInside() {
        let named = meaning.policy.services.flatMap(\.hostPorts).map(\.range).filter { $0.transport != .sctp }
        let ports = Set(named.evenly(16).map { PortRange($0.transport, $0.ports.lowerBound...$0.ports.lowerBound) })
            .union([
                PortRange(.tcp, scene.unlistedPort...scene.unlistedPort),
                PortRange(.udp, scene.unlistedPort...scene.unlistedPort),
            ]).sorted()
        for family in AddressFamily.allCases {
            guard let world = Self.stranger(family, not: scene) else { continue }
            let host = scene.hostAddresses.filter { $0.family == family }.prefix(1)
            for (number, container) in scene.containers.enumerated() where !container.isDirect && isInside(number) {
                guard let own = container.address(family) else { continue }
                let others = scene.containers.filter { $0 != container && !$0.isDirect }.compactMap {
                    $0.address(family)
                }
                for destination in [world] + others.prefix(2) + host {
                    add(.fromContainer, own, .container(number), destination, ports)
                }
                addStray(own, .container(number), world)
            }
            guard let own = host.first else { continue }
            for destination in [world] + scene.containers.prefix(2).compactMap({ $0.address(family) }) {
                add(.fromHost, own, .host, destination, ports)
            }
            addStray(own, .host, world)
        }
    }

    /// Not where a bridge of containers is an external interface as well: what comes from there is judged.
    private func isInside(_ container: Int) -> Bool {
        scene.bridge(of: container).map { !meaning.isExternal($0) } ?? true
    }

    private mutating func add(
        _ path: Claim.Path, _ source: IPAddress, _ place: Place, _ destination: IPAddress, _ ports: [PortRange]
    ) {
        for kind in ports.map({ Claim.Kind.ports($0.transport, $0.ports.lowerBound) }) + [.echoRequest] {
            add(
                Claim(
                    about: "from inside", path: path, setup: path == .fromHost ? .local : .translated, source: source,
                    from: place, destination: destination, kind: kind,
                    ruling: Ruling(.passes, "what does not come from outside")))
        }
    }

    /// A server whose connection was cut does not make it anew from its side; what a container or the host itself has opened goes on.
    private mutating func addStray(_ source: IPAddress, _ place: Place, _ client: IPAddress) {
        let setup: Claim.Setup = place == .host ? .local : .translated
        func claim(_ port: UInt16, _ ruling: Ruling) -> Claim {
            Claim(
                about: "cut connections", path: .stray, setup: setup, source: source, from: place, destination: client,
                kind: .segment(source: port, destination: Self.clientPort), ruling: ruling)
        }
        for index in meaning.policy.services.indices {
            let service = meaning.policy.services[index]
            guard service.on.isEmpty, service.interfaces.isEmpty, let interface = scene.external.first,
                let address = scene.hostAddresses.first(where: { $0.family == client.family }),
                let port = service.hostPorts.first(where: { $0.address == nil && $0.range.transport == .tcp })
            else { continue }
            let dialled = Meaning.Dialled(
                transport: .tcp, address: address, port: port.range.ports.lowerBound, interface: interface)
            let ruling = meaning.published(dialled, from: client)
            if ruling.outcome == .passes { continue }
            add(claim(dialled.port, Ruling(.dropped, ruling.subject, ruling.origin)))
        }
        guard let own = scene.clientPort else { return }
        add(claim(own, Ruling(.passes, "what does not come from outside")))
    }

    private static let clientPort: UInt16 = 40_001
}

extension Scene.Resident {
    /// One that stands for a container of the host's Docker, at its address.
    var isDirect: Bool { name.hasPrefix("direct") }
}

extension Meaning {
    /// Ports that say something of the service: those that it names, few of many, or one that nobody names.
    func ports(of service: Service, unlisted: UInt16) -> [PortRange] {
        switch service.publish {
        case .any: [PortRange(.tcp, unlisted...unlisted), PortRange(.udp, unlisted...unlisted)]
        case .ports, .selected: Set(service.hostPorts.map(\.range)).sorted().evenly(16)
        }
    }

    /// Those of the host's addresses that it counts on, and one that it may not. The stage's host has not each that a policy may name:
    /// none of loopback or link-local.
    func addresses(of service: Service, _ family: AddressFamily, among host: [IPAddress]) -> [IPAddress] {
        let named = Set(service.on + service.hostPorts.compactMap(\.address))
        let here = host.filter { $0.family == family }
        let own = here.filter(named.contains).sorted().evenly(8)
        let beside = here.filter { !named.contains($0) }
        return own + (own.isEmpty ? Array(beside.suffix(2)) : Array(beside.suffix(1)))
    }
}
