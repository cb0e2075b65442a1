internal import Addressing
internal import Docker
internal import Policy

/// Whom a policy lets in by a door, and whether a service says so by name.
struct Allowed {
    var sources: AddressSet
    var isNamed: Bool

    static var nobody: Self { Self(sources: AddressSet(), isNamed: false) }
    static func unnamed(_ sources: AddressSet) -> Self { Self(sources: sources, isNamed: false) }
    static func named(_ sources: AddressSet) -> Self { Self(sources: sources, isNamed: true) }
}

/// Whom a policy lets in by a door. Without one nobody is meant to enter.
struct Allowance {
    let policy: ResolvedPolicy?
    private let groups: [String: AddressSet]

    init(_ policy: ResolvedPolicy?) {
        self.policy = policy
        groups = Dictionary((policy?.groups ?? []).map { ($0.name, $0.addresses) }) { first, _ in first }
    }

    private func addresses(_ sources: Sources) -> AddressSet {
        switch sources {
        case .anyone: .all
        case .listed(let names, let addresses):
            names.reduce(addresses) { $0.union(groups[$1] ?? AddressSet()) }
        }
    }

    private func union(_ services: [Service]) -> AddressSet {
        services.reduce(AddressSet()) {
            $0.union(addresses($1.allow).subtracting(addresses($1.except)))
        }
    }

    private var unlisted: AddressSet {
        switch policy?.unlisted {
        case .accept: .all
        case .drop, .reject, nil: AddressSet()
        }
    }

    func published(_ transport: TransportProtocol, _ address: IPAddress, _ port: UInt16, interface: String) -> Allowed {
        guard let policy, !address.isLoopback else { return .nobody }
        let covering = policy.services.filter { service in
            guard service.interfaces.isEmpty || service.interfaces.contains(where: { $0.matches(interface) }) else {
                return false
            }
            if case .any = service.publish { return service.on.isEmpty || service.on.contains(address) }
            return service.names(transport, address, port)
        }
        return covering.isEmpty ? .unnamed(unlisted) : .named(union(covering))
    }

    /// At its own address; `port` nil stands for one that nothing is known about.
    func direct(_ transport: TransportProtocol, _ address: IPAddress, _ port: UInt16?, interface: String) -> Allowed {
        guard let policy else { return .nobody }
        let covering = policy.services.filter { service in
            guard let port,
                service.interfaces.isEmpty || service.interfaces.contains(where: { $0.matches(interface) })
            else { return false }
            return service.direct.contains {
                $0.address == address && $0.range.transport == transport && $0.range.ports.contains(port)
            }
        }
        return covering.isEmpty ? .unnamed(unlisted) : .named(union(covering))
    }

    /// Of the machine itself. Where the policy does not speak of it, it is none of its business.
    func machine(_ transport: TransportProtocol, _ address: IPAddress, _ port: UInt16, interface: String) -> Allowed {
        guard let policy else { return .nobody }
        let covering = policy.services.filter { service in
            (service.interfaces.isEmpty || service.interfaces.contains { $0.matches(interface) })
                && service.names(transport, address, port)
        }
        if !covering.isEmpty { return .named(union(covering)) }
        guard let host = policy.host else { return .unnamed(.all) }
        let own = host.services.filter { service in
            switch service.opening {
            case .ports(let ranges): ranges.contains { $0.transport == transport && $0.ports.contains(port) }
            case .echoRequest: false
            }
        }
        if !own.isEmpty {
            return .named(
                own.reduce(AddressSet()) { $0.union(addresses($1.allow).subtracting(addresses($1.except))) })
        }
        switch host.otherwise {
        case .accept: return .unnamed(.all)
        case .drop: return .nobody
        }
    }

    /// As container bridges are called where no policy says otherwise.
    private static let bridges = ["docker0", "docker_gwbridge", "br-", "podman", "cni-podman"]

    /// Whether it is called like a container bridge, so that what comes in by it is not judged.
    func isCalledBridge(_ interface: String) -> Bool {
        guard let policy else { return Self.bridges.contains { interface.hasPrefix($0) } }
        return policy.interfaces.containers.contains { $0.matches(interface) }
    }

    /// Whether packets by it are judged at all: `auto` is every interface but `lo` and the container bridges.
    func isExternal(_ interface: String) -> Bool {
        if interface == "lo" { return false }
        guard let policy else { return !Self.bridges.contains { interface.hasPrefix($0) } }
        if policy.interfaces.containers.contains(where: { $0.matches(interface) }) { return false }
        switch policy.interfaces.external {
        case .auto: return true
        case .listed(let names): return names.contains { $0.matches(interface) }
        }
    }
}

extension Service {
    func names(_ transport: TransportProtocol, _ address: IPAddress, _ port: UInt16) -> Bool {
        hostPorts.contains {
            ($0.address == nil || $0.address == address) && $0.range.transport == transport
                && $0.range.ports.contains(port)
        }
    }
}
