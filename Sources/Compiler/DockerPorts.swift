internal import Addressing
internal import Docker
internal import Nftables
internal import Policy

/// Docker's published ports: what docker-proxy serves is told by them from what other processes of the host serve.
///
/// Only those that no service names: the others are judged by whoever names them, on other addresses as well.
struct DockerPorts {
    static let chainName = "docker-ports"
    private static let proxiedName = "to-docker-proxy"

    private(set) var sets: [NamedSet] = []
    private(set) var chains: [Chain] = []
    /// Ports that not everyone may reach.
    private(set) var guarded: [TransportProtocol: [ClosedRange<UInt16>]] = [:]
    private var lookups: [Rule] = []
    /// What tells docker-proxy's sockets themselves, for ports that Docker has published since it was asked. Only the input hook
    /// has a socket to look at.
    private(set) var bySocket: [Rule] = []

    var isEmpty: Bool { lookups.isEmpty }

    /// `anyPort` is the chain of the services that publish any port.
    init(_ policy: ResolvedPolicy, anyPort: String?) {
        // Where all is open that no service names, they need telling only from a machine that is closed.
        let isOpen = policy.unlisted == .accept && anyPort == nil
        guard !isOpen || policy.host?.otherwise == .drop else { return }
        let verdict = Verdict.goto(anyPort == nil ? Paths.unlistedName : Self.proxiedName)
        // What is dialled there from outside is refused in any case.
        let bindings = policy.inventory.containers.flatMap(\.bindings).filter { !$0.hostAddress.isLoopback }
        for transport in TransportProtocol.allCases {
            // A service of the machine that names such a port keeps it: what Docker published is perhaps gone.
            let named = Named(by: policy.services, and: isOpen ? policy.host?.services ?? [] : [], transport)
            let unnamed = bindings.filter { $0.transport == transport && !named.contains($0) }
            add(unnamed, transport, verdict)
            if !isOpen { guarded[transport] = unnamed.map { $0.hostPort...$0.hostPort } }
        }
        if let group = policy.inventory.proxyGroup {
            let cgroup = ControlGroup(id: group.id, path: group.path)
            bySocket = [
                Rule(
                    [.match(.socket(.cgroup(level: group.level)), .equals(.cgroup(cgroup))), .verdict(verdict)],
                    comment: "docker-proxy's by its control group")
            ]
        }
        if !isEmpty { chains = [Chain(name: Self.chainName, rules: lookups)] }
        guard !isEmpty || !bySocket.isEmpty else { return }
        guard let anyPort else { return }
        chains.append(
            Chain(
                name: Self.proxiedName,
                rules: [Rule([.verdict(.jump(anyPort))]), Rule([.verdict(.goto(Paths.unlistedName))])]))
    }

    /// What services judge, wherever it is bound, or where Docker has bound it for them.
    private struct Named {
        private let ports: Set<UInt16>
        private let bound: Set<HostPort>

        init(by services: [Service], and host: [HostService], _ transport: TransportProtocol) {
            var ranges: [(ports: ClosedRange<UInt16>, owner: Int)] = []
            for case .ports(let ports) in host.map(\.opening) {
                ranges += ports.filter { $0.transport == transport }.map { ($0.ports, 0) }
            }
            var bound: Set<HostPort> = []
            for service in services {
                for port in service.hostPorts where port.range.transport == transport {
                    if port.address == nil || service.isLimited {
                        ranges.append((port.range.ports, 0))
                    } else {
                        bound.insert(port)
                    }
                }
            }
            ports = Set(PortMap(ranges).stretches.flatMap(\.ports))
            self.bound = bound
        }

        func contains(_ binding: Binding) -> Bool {
            let port = PortRange(binding.transport, binding.hostPort...binding.hostPort)
            return ports.contains(binding.hostPort) || bound.contains(HostPort(binding.hostAddress, port))
        }
    }

    private mutating func add(_ bindings: [Binding], _ transport: TransportProtocol, _ verdict: Verdict) {
        let everywhere = bindings.filter(\.hostAddress.isUnspecified)
        let v4 = Set(everywhere.filter { $0.hostAddress.family == .ipv4 }.map(\.hostPort))
        let v6 = Set(everywhere.filter { $0.hostAddress.family == .ipv6 }.map(\.hostPort))
        addSet(v4.intersection(v6), nil, transport, verdict)
        addSet(v4.subtracting(v6), .ipv4, transport, verdict)
        addSet(v6.subtracting(v4), .ipv6, transport, verdict)
        var elements4: Set<Element> = []
        var elements6: Set<Element> = []
        for binding in bindings {
            let ports = binding.hostPort...binding.hostPort
            switch binding.hostAddress {
            case _ where binding.hostAddress.isUnspecified: continue
            case .v4(let address):
                let key: [KeyField] = [.ipv4(address.bits...address.bits), .service(ports)]
                elements4.insert(Element(key: key, verdict: verdict))
            case .v6(let address):
                let key: [KeyField] = [.ipv6(address.bits...address.bits), .service(ports)]
                elements6.insert(Element(key: key, verdict: verdict))
            }
        }
        addMap("docker-on-\(transport)-v4", .ipv4Address, elements4, transport)
        addMap("docker-on-\(transport)-v6", .ipv6Address, elements6, transport)
    }

    private mutating func addSet(
        _ ports: Set<UInt16>, _ family: AddressFamily?, _ transport: TransportProtocol, _ verdict: Verdict
    ) {
        guard !ports.isEmpty else { return }
        let suffix =
            switch family {
            case .ipv4: "-v4"
            case .ipv6: "-v6"
            case nil: ""
            }
        let set = NamedSet(ports: ports.map { $0...$0 }, name: "docker-\(transport)\(suffix)")
        sets.append(set)
        lookups.append(
            Rule(
                (family.map { [.match(.meta(.nfproto), .equals(.family($0)))] } ?? []) + [
                    .match(.meta(.l4proto), .equals(.l4proto(L4Protocol(transport)))),
                    .match(.conntrack(.originalServiceDestination), .inSet(set.name)), .verdict(verdict),
                ]))
    }

    private mutating func addMap(
        _ name: String, _ address: DataType, _ elements: Set<Element>, _ transport: TransportProtocol
    ) {
        guard !elements.isEmpty else { return }
        let key: [DataType] = [address, .inetService]
        sets.append(
            NamedSet(
                name: name, key: key, isMap: true,
                elements: .keyed(elements.sorted { $0.key.lexicographicallyPrecedes($1.key) })))
        lookups.append(
            Rule([
                .match(.meta(.l4proto), .equals(.l4proto(L4Protocol(transport)))),
                .verdictMap(key.map(\.dialled), map: name),
            ]))
    }
}
