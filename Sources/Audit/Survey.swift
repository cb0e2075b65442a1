internal import Addressing
internal import Docker
internal import HostRules
internal import Policy
internal import Reachability

/// Tries every door from every interface outside, and joins those whose answers are the same.
struct Survey {
    private let subject: Subject
    private var allowance: Allowance
    private let outside: Outside
    private var reachability: Reachability
    private var joined: [Key: (addresses: Set<IPAddress>, interfaces: Set<String>)] = [:]
    private var order: [Key] = []
    private let unusedPort: UInt16

    private struct Key: Hashable {
        var door: Door
        var family: AddressFamily
        var open: AddressSet
        var unknown: AddressSet
        var allowed: AddressSet
        var missing: AddressSet
        var reasons: [String]
    }

    init(_ subject: Subject) {
        self.subject = subject
        outside = Outside(subject)
        unusedPort = subject.unusedPort
        allowance = Allowance(subject.policy, unusedPort: unusedPort)
        reachability = Reachability(subject.rules, topology: subject.topology, listeners: subject.listeners)
    }

    private var containers: [Container] { subject.inventory?.containers ?? [] }

    private func addresses(_ family: AddressFamily, by interface: String) -> [IPAddress] {
        outside.addresses(family, by: interface)
    }

    mutating func entrances() -> [Entrance] {
        for interface in outside.interfaces {
            for container in containers {
                tryBindings(of: container, by: interface)
                tryAddresses(of: container, by: interface)
            }
            tryListeners(by: interface)
        }
        return order.map(entrance).sorted {
            ($0.verdict, $0.door.path, $0.door.target, $0.door.transport, $0.door.port ?? 0)
                < ($1.verdict, $1.door.path, $1.door.target, $1.door.transport, $1.door.port ?? 0)
        }
    }

    // MARK: Published ports

    private mutating func tryBindings(of container: Container, by interface: String) {
        for binding in container.bindings {
            let family = binding.hostAddress.family
            let isEvery = binding.hostAddress.isEveryAddress
            var dialled = isEvery ? addresses(family, by: interface) : [binding.hostAddress]
            // Any address is 127.0.0.1 too, by NAT before the routing could refuse it.
            if isEvery, family == .ipv4 { dialled.append(.v4(IPv4Address(0x7f00_0001))) }
            for address in dialled {
                dial(address, binding, container.name, by: interface)
            }
        }
    }

    private mutating func dial(_ address: IPAddress, _ binding: Binding, _ target: String, by interface: String) {
        let answer = reachability.answer(
            Approach(
                interface: interface, transport: binding.transport, address: address, port: binding.hostPort))
        let allowed = allowance.published(binding.transport, address, binding.hostPort, interface: interface)
        // One port may be answered in two ways, each for other sources.
        var byPath: [Path: AddressSet] = [:]
        for (arrival, sources) in answer.arrivals {
            switch arrival {
            case .forwarded:
                let path: Path = address.family == .ipv4 ? .dnat4 : .dnat6
                byPath[address.isLoopback ? .loopback : path, default: AddressSet()].formUnion(sources)
            case .delivered(let at, let port):
                let isAnswered = subject.listeners.contains {
                    $0.takes(binding.transport, at, port) && !$0.isReservation
                }
                if isAnswered {
                    byPath[address.isLoopback ? .loopback : .proxy, default: AddressSet()].formUnion(sources)
                }
            }
        }
        if byPath.isEmpty { byPath[closedPath(address)] = AddressSet() }
        for (path, sources) in byPath.sorted(by: { $0.key < $1.key }) {
            let door = Door(path: path, transport: binding.transport, port: binding.hostPort, target: target)
            note(door, address, interface, answer, through: sources, allowed: allowed)
        }
    }

    private func closedPath(_ address: IPAddress) -> Path {
        if address.isLoopback { return .loopback }
        return address.family == .ipv4 ? .dnat4 : .dnat6
    }

    // MARK: Containers' own addresses

    private mutating func tryAddresses(of container: Container, by interface: String) {
        for attachment in container.attachments {
            guard let network = subject.inventory?.network(id: attachment.network) else { continue }
            switch network.driver {
            case .bridge: break
            case .macvlan, .ipvlan:
                guard network.parent?.description == interface else { continue }
            case .host, .none, .overlay, .other: continue
            }
            let ports = Set(
                container.publishedPorts.flatMap { range in
                    range.ports.prefix(64).map { PortRange(range.transport, $0...$0) }
                }
                    + container.bindings.map { PortRange($0.transport, $0.containerPort...$0.containerPort) })
            for address in attachment.addresses {
                for port in ports.sorted() {
                    dial(address, port.transport, port.ports.lowerBound, network, container.name, by: interface)
                }
                for transport in [TransportProtocol.tcp, .udp] {
                    let named = ports.filter { $0.transport == transport }.map(\.ports.lowerBound)
                    dialOthers(address, transport, but: named, network, container.name, by: interface)
                }
            }
        }
    }

    /// One port stands for all that nobody names, and each that rules tell from it has a door of its own.
    private mutating func dialOthers(
        _ address: IPAddress, _ transport: TransportProtocol, but named: [UInt16], _ network: Network,
        _ target: String, by interface: String
    ) {
        let ask = { (reachability: inout Reachability, port: UInt16?) in
            reachability.answer(
                Approach(interface: interface, transport: transport, address: address, port: port),
                through: network.isOnParent ? .ingress : .host)
        }
        let usual = ask(&reachability, unusedPort)
        let all = ask(&reachability, nil)
        let ports = all.isLike(usual) ? [] : subject.ports(in: all.doubts).filter { !named.contains($0) }
        let areTooMany = ports.count > Self.mostPorts
        note(areTooMany ? all : usual, address, transport, nil, network, target, by: interface)
        for port in ports.prefix(Self.mostPorts) {
            let answer = ask(&reachability, port)
            if !answer.isLike(usual) { note(answer, address, transport, port, network, target, by: interface) }
        }
    }

    private static var mostPorts: Int { 256 }

    private mutating func dial(
        _ address: IPAddress, _ transport: TransportProtocol, _ port: UInt16, _ network: Network, _ target: String,
        by interface: String
    ) {
        let answer = reachability.answer(
            Approach(interface: interface, transport: transport, address: address, port: port),
            through: network.isOnParent ? .ingress : .host)
        note(answer, address, transport, port, network, target, by: interface)
    }

    private mutating func note(
        _ answer: Answer, _ address: IPAddress, _ transport: TransportProtocol, _ port: UInt16?, _ network: Network,
        _ target: String, by interface: String
    ) {
        let isOnParent = network.isOnParent
        let door = Door(path: isOnParent ? .macvlan : .direct, transport: transport, port: port, target: target)
        note(
            door, address, interface, answer, through: .all,
            allowed: allowance.direct(transport, address, port, interface: interface))
    }

    // MARK: Listeners

    /// Of containers on the host's network, or of the host: which of the two, Docker does not say.
    private mutating func tryListeners(by interface: String) {
        let published = Set(
            containers.flatMap { $0.bindings.map { PortRange($0.transport, $0.hostPort...$0.hostPort) } })
        let usesHostNetwork = containers.contains(where: \.usesHostNetwork)
        for listener in subject.listeners where !listener.address.isLoopback {
            let port = PortRange(listener.transport, listener.port...listener.port)
            if published.contains(port) { continue }
            let isSwarm =
                listener.isReservation && subject.inventory?.isInSwarm == true && ![2377, 7946].contains(listener.port)
            // Of an engine that was not asked.
            guard
                listener.isProxy || isSwarm || usesHostNetwork || subject.policy?.host != nil
                    || subject.policy?.namesPort(port) == true
            else {
                continue
            }
            let families: [AddressFamily] =
                listener.address.family == .ipv6 && listener.takesBothFamilies && listener.address.isEveryAddress
                ? [.ipv4, .ipv6] : [listener.address.family]
            for family in families {
                let dialled =
                    listener.address.isEveryAddress ? addresses(family, by: interface) : [listener.address]
                for address in dialled { dial(address, listener, asSwarm: isSwarm, by: interface) }
            }
        }
    }

    private mutating func dial(_ address: IPAddress, _ listener: Listener, asSwarm isSwarm: Bool, by interface: String)
    {
        let answer = reachability.answer(
            Approach(interface: interface, transport: listener.transport, address: address, port: listener.port))
        let target = listener.processes.isEmpty ? "a process of the host" : listener.processes.joined(separator: ", ")
        let door = Door(
            path: isSwarm ? .swarm : listener.isProxy ? .proxy : .host, transport: listener.transport,
            port: listener.port,
            target: isSwarm ? "a swarm service" : listener.isProxy ? "a container unknown" : target)
        note(
            door, address, interface, answer, through: .all,
            allowed: isSwarm || listener.isProxy
                ? allowance.published(listener.transport, address, listener.port, interface: interface)
                : allowance.machine(listener.transport, address, listener.port, interface: interface))
    }

    // MARK: Joining

    private mutating func note(
        _ door: Door, _ address: IPAddress, _ interface: String, _ answer: Answer, through sources: AddressSet,
        allowed: Allowed
    ) {
        let isHidden = !subject.installation.legacyTables.isEmpty
        let open = isHidden ? AddressSet() : answer.open.intersection(sources)
        let unknown = isHidden ? AddressSet.all.of(address.family) : answer.unknown.intersection(sources)
        let ofFamily = allowed.sources.of(address.family)
        // The routing stops some whoever allows them; what a rule stops that a service lets in is worth a word.
        let blocks = answer.stops.filter { stop, stopped in
            switch stop {
            case .routing: false
            case .rule, .policy: allowed.isNamed && !stopped.intersection(ofFamily).subtracting(open).isEmpty
            }
        }
        let missing = blocks.values.reduce(AddressSet()) { $0.union($1) }
            .intersection(ofFamily).subtracting(open).subtracting(unknown)
        let reasons =
            (isHidden
                ? ["rules of iptables-legacy are not seen"] : unknown.isEmpty ? [] : answer.doubts.map(\.text).sorted())
            + (missing.isEmpty ? [] : blocks.keys.map(\.text).sorted())
        let key = Key(
            door: door, family: address.family, open: open, unknown: unknown, allowed: ofFamily, missing: missing,
            reasons: reasons)
        if joined[key] == nil { order.append(key) }
        joined[key, default: ([], [])].addresses.insert(address)
        joined[key, default: ([], [])].interfaces.insert(interface)
    }

    private func entrance(_ key: Key) -> Entrance {
        let excess = key.open.subtracting(key.allowed)
        let doubtful = key.unknown.subtracting(key.allowed)
        let verdict: Entrance.Verdict =
            if !excess.isEmpty {
                key.open.isEveryone(of: key.family) ? .openToAnyone : .openTooWide
            } else if !doubtful.isEmpty || !key.unknown.isEmpty {
                .unknown
            } else if !key.missing.isEmpty {
                .closedToAllowed
            } else {
                key.open.isEmpty ? .closed : .asAllowed
            }
        return Entrance(
            door: key.door, addresses: (joined[key]?.addresses ?? []).sorted(),
            interfaces: (joined[key]?.interfaces ?? []).sorted(), open: key.open, unknown: key.unknown,
            excess: excess.union(doubtful), missing: key.missing, verdict: verdict, reasons: key.reasons)
    }
}

extension Answer {
    /// Whether the same get in.
    fileprivate func isLike(_ other: Self) -> Bool { open == other.open && unknown == other.unknown }
}

extension Network {
    /// Its containers are not behind the host, but beside it.
    fileprivate var isOnParent: Bool { driver == .macvlan || driver == .ipvlan }
}

extension ResolvedPolicy {
    fileprivate func namesPort(_ port: PortRange) -> Bool {
        services.contains { service in
            service.hostPorts.contains { $0.range.transport == port.transport && $0.range.ports.overlaps(port.ports) }
        }
    }
}

extension AddressSet {
    mutating func formUnion(_ other: Self) { self = union(other) }

    func of(_ family: AddressFamily) -> Self {
        switch family {
        case .ipv4: Self(v4: v4)
        case .ipv6: Self(v6: v6)
        }
    }

    /// Link-local clients are refused by the routing on most paths, and are no one far away.
    func isEveryone(of family: AddressFamily) -> Bool {
        switch family {
        case .ipv4: v4 == .all
        case .ipv6:
            v6.union(IntervalSet([UInt128(0x3fa) << 118...(UInt128(0x3fb) << 118) - 1])) == .all
        }
    }
}
