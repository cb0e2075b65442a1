internal import Addressing
internal import Compiler
internal import Nftables
internal import Policy
internal import Simulator

/// Whom a policy lets in by a door, and whether a service says so by name.
struct Allowed {
    var sources: AddressSet
    var isNamed: Bool

    static var nobody: Self { Self(sources: AddressSet(), isNamed: false) }
}

/// Whom a policy lets in by a door: by the very rules that it becomes, whatever the host has. Without one nobody is meant to enter.
struct Allowance {
    private let policy: ResolvedPolicy?
    private let external: ExternalInterfaces
    private let links: Links
    private let places: NamedPlaces
    private var trial4: SourceTrial<UInt32>
    private var trial6: SourceTrial<UInt128>
    private let unusedPort: UInt16

    /// `unusedPort` stands for all that nobody names.
    init(_ policy: ResolvedPolicy?, unusedPort: UInt16) {
        self.policy = policy
        self.unusedPort = unusedPort
        external = ExternalInterfaces(policy)
        let ruleset = policy.map { Compiler.compile($0).linearized() } ?? LinearRuleset(table: Table(name: ""))
        links = Links(ruleset)
        places = NamedPlaces(ruleset)
        trial4 = SourceTrial(ruleset)
        trial6 = SourceTrial(ruleset)
    }

    /// The same whatever leads to the container: that docker-proxy serves it is not known of every port.
    mutating func published(
        _ transport: TransportProtocol, _ address: IPAddress, _ port: UInt16, interface: String
    ) -> Allowed {
        guard let policy, !address.isLoopback else { return .nobody }
        let sources = sources(
            .forwarded(address.family, transport, port, on: address, from: judged(interface), to: bridge))
        let isNamed = policy.services.contains { service in
            guard service.isReached(through: interface) else { return false }
            if case .any = service.publish { return service.on.isEmpty || service.on.contains(address) }
            return service.names(transport, address, port)
        }
        return Allowed(sources: sources, isNamed: isNamed)
    }

    /// At its own address.
    ///
    /// No port that a service does not name is meant to be open: those from which a container on the wire may itself have asked, and
    /// which its rules therefore leave open to answers, are no exception.
    mutating func direct(
        _ transport: TransportProtocol, _ address: IPAddress, _ port: UInt16?, interface: String
    ) -> Allowed {
        guard let policy else { return .nobody }
        let isNamed = policy.services.contains { service in
            service.isReached(through: interface)
                && service.direct.contains {
                    $0.address == address && $0.range.transport == transport
                        && port.map($0.range.ports.contains) == true
                }
        }
        let port = (isNamed ? port : nil) ?? unusedPort
        let isOnTheWire = places.isOnTheWire(address) && places.guardedDevices.contains(interface)
        let sources = sources(
            isOnTheWire
                ? .onTheWire(transport, port, on: address, parent: interface)
                : .direct(address.family, transport, port, on: address, from: judged(interface), to: bridge))
        return Allowed(sources: sources, isNamed: isNamed)
    }

    /// Of the machine itself.
    mutating func machine(
        _ transport: TransportProtocol, _ address: IPAddress, _ port: UInt16, interface: String
    ) -> Allowed {
        guard let policy else { return .nobody }
        let sources = sources(.delivered(address.family, transport, port, on: address, from: judged(interface)))
        let isPublished = policy.services.contains {
            $0.isReached(through: interface) && $0.names(transport, address, port)
        }
        let isNamed = policy.host?.services.contains { $0.opens(transport, port) } == true
        return Allowed(sources: sources, isNamed: isPublished || isNamed)
    }

    private mutating func sources(_ approach: Approach) -> AddressSet {
        switch approach.family {
        case .ipv4: AddressSet(v4: trial4.reach(approach).allowed)
        case .ipv6: AddressSet(v6: trial6.reach(approach).allowed)
        }
    }

    /// What the policy takes for a bridge of containers and is yet the way out is judged as any other way in: its rules let all
    /// pass there.
    private func judged(_ interface: String) -> String {
        external.contains(interface) ? interface : links.outside.first?.example ?? interface
    }

    /// One that the policy takes for such; that another is not among them is no reason to let anyone in.
    private var bridge: String { links.bridges.first?.example ?? "" }
}

extension Service {
    fileprivate func isReached(through interface: String) -> Bool {
        interfaces.isEmpty || interfaces.contains { $0.matches(interface) }
    }

    fileprivate func names(_ transport: TransportProtocol, _ address: IPAddress, _ port: UInt16) -> Bool {
        hostPorts.contains {
            ($0.address == nil || $0.address == address) && $0.range.transport == transport
                && $0.range.ports.contains(port)
        }
    }
}

extension HostService {
    fileprivate func opens(_ transport: TransportProtocol, _ port: UInt16) -> Bool {
        switch opening {
        case .ports(let ranges): ranges.contains { $0.transport == transport && $0.ports.contains(port) }
        case .echoRequest: false
        }
    }
}
