internal import Addressing
internal import Docker
internal import Policy

/// What a policy means, as its reference says it and in no other words: read from the policy alone, never from what the compiler
/// makes of it, so that an error there is seen here. It is slow and plain on purpose.
struct Meaning {
    let policy: ResolvedPolicy
    private let clients: [Clients]
    private let hostClients: [Clients]
    /// Of each service.
    private let hostPorts: [[HostPort]]
    /// Only to be quick: services that may name a port, and those that name so many ports or any that they are always asked.
    private var mayName: [PortRange: [Int]] = [:]
    private var alwaysAsked: [Int] = []

    init(_ policy: ResolvedPolicy) {
        self.policy = policy
        clients = policy.services.map { Clients($0.allow, except: $0.except, policy.groups) }
        hostClients = (policy.host?.services ?? []).map { Clients($0.allow, except: $0.except, policy.groups) }
        hostPorts = policy.services.map(\.hostPorts)
        for index in policy.services.indices {
            let ranges = hostPorts[index].map(\.range)
            if policy.services[index].publish == .any || ranges.reduce(0, { $0 + $1.ports.count }) > Self.fewPorts {
                alwaysAsked.append(index)
                continue
            }
            for port in Set(ranges.flatMap { range in range.ports.map { PortRange(range.transport, $0...$0) } }) {
                mayName[port, default: []].append(index)
            }
        }
    }

    private static let fewPorts = 64

    /// In the order of the policy.
    private func asked(_ dialled: Dialled) -> [Int] {
        let named = mayName[PortRange(dialled.transport, dialled.port...dialled.port)] ?? []
        return alwaysAsked.isEmpty ? named : (named + alwaysAsked).sorted()
    }

    /// What a client dials, and the interface it comes in by.
    struct Dialled {
        var transport: TransportProtocol
        var address: IPAddress
        var port: UInt16
        var interface: String
    }

    // MARK: Clients

    /// `allow` less `except`, each with all that its groups nest.
    struct Clients {
        var allowed: AddressSet
        var excepted: AddressSet

        init(_ allow: Sources, except: Sources, _ groups: [Group]) {
            allowed = Self.addresses(allow, groups)
            excepted = Self.addresses(except, groups)
        }

        func contains(_ source: IPAddress) -> Bool { allowed.contains(source) && !excepted.contains(source) }

        private static func addresses(_ sources: Sources, _ groups: [Group]) -> AddressSet {
            switch sources {
            case .anyone: .all
            case .listed(let names, let addresses):
                groups.filter { names.contains($0.name) }.reduce(addresses) { $0.union($1.addresses) }
            }
        }
    }

    func clients(ofService index: Int) -> Clients { clients[index] }
    func clients(ofHostService index: Int) -> Clients { hostClients[index] }

    // MARK: Interfaces

    func isContainers(_ interface: String) -> Bool {
        policy.interfaces.containers.contains { $0.matches(interface) }
    }

    func isExternal(_ interface: String) -> Bool {
        switch policy.interfaces.external {
        case .auto: interface != "lo" && !isContainers(interface)
        case .listed(let names): names.contains { $0.matches(interface) }
        }
    }

    // MARK: Published ports

    /// What Docker has published: each service that covers the port may let the client in, and when none covers it, `unlisted` says.
    func published(_ dialled: Dialled, from source: IPAddress) -> Ruling {
        if dialled.address.isLoopback { return Ruling(.dropped, "loopback from outside") }
        let covering = asked(dialled).filter { covers($0, dialled) }
        return judged(by: covering, source) ?? unlisted
    }

    private func judged(by covering: [Int], _ source: IPAddress) -> Ruling? {
        guard let first = covering.first else { return nil }
        guard let allowing = covering.first(where: { clients[$0].contains(source) }) else {
            let named = covering.first { policy.services[$0].publish != .any } ?? first
            return Ruling(refusal, policy.services[named].name, policy.services[named].span)
        }
        return Ruling(.passes, policy.services[allowing].name, policy.services[allowing].span)
    }

    private func covers(_ index: Int, _ dialled: Dialled) -> Bool {
        let service = policy.services[index]
        return isReached(service, dialled.interface)
            && (names(index, dialled) || service.publish == .any && isOn(service, dialled.address))
    }

    private func isReached(_ service: Service, _ interface: String) -> Bool {
        service.interfaces.isEmpty || service.interfaces.contains { $0.matches(interface) }
    }

    private func isOn(_ service: Service, _ address: IPAddress) -> Bool {
        service.on.isEmpty || service.on.contains(address)
    }

    /// Whether it names the port, on this address.
    private func names(_ index: Int, _ dialled: Dialled) -> Bool {
        hostPorts[index].contains {
            ($0.address == nil || $0.address == dialled.address) && $0.range.transport == dialled.transport
                && $0.range.ports.contains(dialled.port)
        }
    }

    private var refusal: Ruling.Outcome {
        switch policy.refuse {
        case .drop: .dropped
        case .reject: .rejected
        }
    }

    var unlisted: Ruling {
        switch policy.unlisted {
        case .drop: Ruling(.dropped, "unlisted")
        case .reject: Ruling(.rejected, "unlisted")
        case .accept: Ruling(.passes, "unlisted")
        }
    }

    // MARK: The input hook

    /// What the host itself takes. A port that a service names is that service's, be it docker-proxy or another process that answers;
    /// so is one that Docker has published. All else is the machine's. Nil where the policy does not say which of them it is.
    func input(_ dialled: Dialled, from source: IPAddress) -> Ruling? {
        let services = asked(dialled)
        let naming = services.filter { names($0, dialled) }
        let anywhere = services.filter { policy.services[$0].publish == .any && policy.services[$0].on.isEmpty }
        if naming.contains(where: { isReached(policy.services[$0], dialled.interface) }) {
            return published(dialled, from: source)
        }
        if services.contains(where: { namesElsewhere($0, dialled) }) || !naming.isEmpty {
            let here = services.filter { covers($0, dialled) }
            // On one address of the host any published port is a service's; whether this one is published is not known.
            if here.contains(where: { !anywhere.contains($0) }) { return nil }
            if let ruling = judged(by: here, source) { return ruling }
            if let ruling = hostService(dialled, source) { return ruling }
            return policy.unlisted == .accept ? host(dialled, from: source) : unlisted
        }
        // What is only left open is not taken from a service of the machine that names it.
        let isLeftOpen = policy.unlisted == .accept && !policy.services.contains { $0.publish == .any }
        if isPublished(dialled), !isLeftOpen || hostService(dialled, source) == nil {
            return published(dialled, from: source)
        }
        return host(dialled, from: source)
    }

    /// Whether it names the port, and says itself that it counts on other addresses only.
    private func namesElsewhere(_ index: Int, _ dialled: Dialled) -> Bool {
        guard !policy.services[index].on.isEmpty else { return false }
        return hostPorts[index].contains {
            $0.range.transport == dialled.transport && $0.range.ports.contains(dialled.port)
        }
    }

    private func isPublished(_ dialled: Dialled) -> Bool {
        policy.inventory.containers.flatMap(\.bindings).contains {
            $0.transport == dialled.transport && $0.hostPort == dialled.port
                && ($0.hostAddress == dialled.address
                    || $0.hostAddress.isUnspecified && $0.hostAddress.family == dialled.address.family)
        }
    }

    /// What conntrack does not follow has no client that could be looked up: only who lets everyone in lets it in. Nil where the policy
    /// names no such port.
    func untracked(_ dialled: Dialled) -> Ruling? {
        let naming = asked(dialled).filter { index in
            hostPorts[index].contains {
                $0.range.transport == dialled.transport && $0.range.ports.contains(dialled.port)
            }
        }
        guard let first = naming.first else { return nil }
        let open = naming.first { index in
            let service = policy.services[index]
            return service.allow == .anyone && service.except == .nobody && isReached(service, dialled.interface)
                && hostPorts[index].contains {
                    $0.address == nil && $0.range.transport == dialled.transport
                        && $0.range.ports.contains(dialled.port)
                }
        }
        if let open { return Ruling(.passes, policy.services[open].name, policy.services[open].span) }
        // What is open on one address only, or to all published ports, is neither here nor there.
        guard
            !naming.contains(where: { policy.services[$0].allow == .anyone && policy.services[$0].except == .nobody }),
            !alwaysAsked.contains(where: { policy.services[$0].publish == .any })
        else { return nil }
        return Ruling(.refused, policy.services[first].name, policy.services[first].span)
    }

    // MARK: The machine itself

    func host(_ dialled: Dialled, from source: IPAddress) -> Ruling {
        hostService(dialled, source) ?? otherwise
    }

    private func hostService(_ dialled: Dialled, _ source: IPAddress) -> Ruling? {
        hostRuling(source) { opening in
            switch opening {
            case .ports(let ranges):
                ranges.contains { $0.transport == dialled.transport && $0.ports.contains(dialled.port) }
            case .echoRequest: false
            }
        }
    }

    func echoRequest(from source: IPAddress) -> Ruling {
        let service = hostRuling(source) { opening in
            switch opening {
            case .ports: false
            case .echoRequest: true
            }
        }
        return service ?? otherwise
    }

    private func hostRuling(_ source: IPAddress, _ isCovering: (HostService.Opening) -> Bool) -> Ruling? {
        guard let services = policy.host?.services else { return nil }
        let covering = services.indices.filter { isCovering(services[$0].opening) }
        guard let first = covering.first else { return nil }
        guard let allowing = covering.first(where: { hostClients[$0].contains(source) }) else {
            return Ruling(refusal, "host \(services[first].name)", services[first].span)
        }
        return Ruling(.passes, "host \(services[allowing].name)", services[allowing].span)
    }

    private var otherwise: Ruling {
        guard let host = policy.host else { return Ruling(.passes, "host, of which nothing is said") }
        switch host.otherwise {
        case .drop: return Ruling(.dropped, "host: otherwise", host.span)
        case .accept: return Ruling(.passes, "host: otherwise", host.span)
        }
    }

    // MARK: Containers at their own addresses

    func direct(_ dialled: Dialled, from source: IPAddress) -> Ruling {
        let covering = policy.services.indices.filter { index in
            isReached(policy.services[index], dialled.interface)
                && policy.services[index].direct.contains {
                    $0.address == dialled.address && $0.range.transport == dialled.transport
                        && $0.range.ports.contains(dialled.port)
                }
        }
        return judged(by: covering, source) ?? unlisted
    }
}
