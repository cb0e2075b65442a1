internal import Addressing
internal import Diagnostics
public import Docker

extension LoadedPolicy {
    /// The same policy with every selector followed to what runs, and the bridges that Docker has under names of their own
    /// among the container interfaces. Nothing is read for it.
    public func resolved(against inventory: Inventory) -> LoadedPolicy {
        guard let policy else { return self }
        var resolution = Resolution(policy, inventory)
        resolution.resolve()
        return with(resolution.policy, resolution.findings)
    }

    /// The same policy where Docker is not to be asked: its selectors stand for nothing, so that they let nobody in.
    public var resolvedWithoutDocker: LoadedPolicy {
        guard let policy else { return self }
        let findings = policy.selecting.map { service in
            // What no service covers is open then, and what this one closes with it.
            let severity: Diagnostic.Severity = policy.unlisted == .accept ? .error : .warning
            return Diagnostic(
                severity, .dockerNotAsked, at: service.selector?.span ?? service.span,
                "Docker is not asked, so that the service \(quoted(service.name)) stands for no port"
                    + (severity == .error ? ", and `unlisted: accept` would open all of them" : ": nobody enters"),
                help: "let Docker be asked (`--docker auto`), or name the host's ports with `publish`")
        }
        return with(policy, findings)
    }

    private func with(_ policy: ResolvedPolicy, _ more: [Diagnostic]) -> LoadedPolicy {
        var result = self
        result.diagnostics += more
        result.policy = more.hasErrors ? nil : policy
        return result
    }
}

/// Finds what the selectors of a policy stand for.
struct Resolution {
    private(set) var policy: ResolvedPolicy
    var findings: [Diagnostic] = []
    let inventory: Inventory

    init(_ policy: ResolvedPolicy, _ inventory: Inventory) {
        self.policy = policy
        self.inventory = inventory
        self.policy.inventory = inventory
        self.policy.isDockerKnown = true
    }

    mutating func resolve() {
        addBridges()
        for index in policy.services.indices {
            guard let selector = policy.services[index].selector else { continue }
            var service = policy.services[index]
            resolve(&service, selector)
            policy.services[index] = service
        }
        findings += SharedPorts(policy).findings
    }

    /// What comes out of a container is not judged, whatever its bridge is called.
    private mutating func addBridges() {
        for network in inventory.networks {
            guard network.driver == .bridge, let bridge = network.bridge,
                !policy.interfaces.containers.contains(where: { $0.matches(bridge.description) })
            else { continue }
            policy.interfaces.containers.append(bridge)
        }
        guard case .listed(let external) = policy.interfaces.external else { return }
        for network in inventory.networks {
            guard network.driver == .bridge, let bridge = network.bridge,
                let name = external.first(where: { $0.matches(bridge.description) })
            else { continue }
            findings.append(
                .warning(
                    .containerInterface, at: policy.interfaces.span,
                    "`\(name)` is external, and \(quoted(network.name)) is a container network on `\(bridge)`",
                    help: "a container bridge is never external; name the interfaces that face other machines"))
        }
    }

    // MARK: One service

    private mutating func resolve(_ service: inout Service, _ selector: Selector) {
        let containers = inventory.containers.filter { selector.matches($0) }
        guard !containers.isEmpty else {
            findings.append(nothing(service, selector))
            return
        }
        var found = Found()
        for container in containers { add(container, service, selector, to: &found) }
        service.selected = found.hostPorts.sorted()
        service.direct = found.direct.sorted()
        reportUnpublished(service, selector, containers, found)
    }

    struct Found {
        var hostPorts: Set<HostPort> = []
        var direct: Set<DirectPort> = []
        /// Ports of the containers that lead to something.
        var containerPorts: Set<PortRange> = []
    }

    private mutating func add(
        _ container: Container, _ service: Service, _ selector: Selector, to found: inout Found
    ) {
        if container.usesHostNetwork {
            addHostPorts(of: container, service, selector, to: &found)
            return
        }
        for binding in container.bindings where selector.covers(binding.containerPort, binding.transport) {
            found.containerPorts.insert(
                PortRange(binding.transport, binding.containerPort...binding.containerPort))
            let range = PortRange(binding.transport, binding.hostPort...binding.hostPort)
            guard binding.isOnEveryAddress else {
                if !binding.hostAddress.isLoopback, service.on.isEmpty || service.on.contains(binding.hostAddress) {
                    found.hostPorts.insert(HostPort(binding.hostAddress, range))
                }
                continue
            }
            if service.on.isEmpty {
                if let other = stranger(to: binding, selector) {
                    findings.append(shared(binding, service, selector, with: other))
                } else {
                    found.hostPorts.insert(HostPort(nil, range))
                }
            }
            for address in service.on where address.family == binding.hostAddress.family {
                found.hostPorts.insert(HostPort(address, range))
            }
        }
        addDirect(of: container, service, selector, to: &found)
    }

    /// Its ports are the machine's own, and Docker does not know them.
    private mutating func addHostPorts(
        of container: Container, _ service: Service, _ selector: Selector, to found: inout Found
    ) {
        guard !selector.ports.isEmpty else {
            findings.append(
                .warning(
                    .hostNetworkPort, at: selector.span,
                    "\(quoted(container.name)) has the host's network, and Docker does not know its ports: "
                        + "the service \(quoted(service.name)) stands for none of them",
                    expected: "`port` with the ports that it listens on", help: "write `port: PORT` below it"))
            return
        }
        for range in selector.ports {
            found.containerPorts.insert(range)
            if service.on.isEmpty { found.hostPorts.insert(HostPort(nil, range)) }
            for address in service.on { found.hostPorts.insert(HostPort(address, range)) }
        }
    }

    /// `on` is about addresses of the host, and a container's own is none of these.
    private func addDirect(
        of container: Container, _ service: Service, _ selector: Selector, to found: inout Found
    ) {
        guard service.on.isEmpty else { return }
        let ranges = selector.ports.isEmpty ? container.publishedPorts : selector.ports
        for attachment in container.attachments {
            guard let network = inventory.network(id: attachment.network) else { continue }
            for address in attachment.addresses where network.isDirect(address.family) {
                for range in ranges {
                    found.direct.insert(DirectPort(address: address, range: range))
                    found.containerPorts.insert(range)
                }
            }
        }
    }

    /// A container of no concern to the service that has the same port in the family that `binding` is not of.
    ///
    /// A port on all addresses of one family is judged as one of both, which is as well where nobody has it in the other family.
    /// Where somebody else has, one judge would open his door too.
    private func stranger(to binding: Binding, _ selector: Selector) -> Container? {
        inventory.containers.first { container in
            !selector.matches(container)
                && container.bindings.contains {
                    $0.hostPort == binding.hostPort && $0.transport == binding.transport
                        && $0.hostAddress.family != binding.hostAddress.family
                }
        }
    }
}

extension Binding {
    var isOnEveryAddress: Bool { hostAddress.isUnspecified }
}

extension Network {
    /// Whether packets for its containers come with their own addresses.
    func isDirect(_ family: AddressFamily) -> Bool {
        switch driver {
        case .bridge: !isInternal && gatewayMode(family).isDirect
        case .macvlan, .ipvlan: true
        case .host, .none, .overlay, .other: false
        }
    }
}
