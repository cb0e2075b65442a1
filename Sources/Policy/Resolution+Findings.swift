internal import Addressing
internal import Diagnostics
internal import Docker

/// What there is to say about a selector.
extension Resolution {
    func nothing(_ service: Service, _ selector: Selector) -> Diagnostic {
        let near = nearest(selector.target)
        let running = inventory.containers.map(\.name)
        return Diagnostic(
            selector.isRequired ? .error : .warning, .nothingSelected, at: selector.span,
            "no container runs that `\(selector.target)` stands for: the service \(quoted(service.name)) lets nobody in",
            expected: selector.isRequired ? "a container that runs, for `required: true`" : nil,
            help: near.map { "did you mean `\($0)`?" }
                ?? (running.isEmpty ? "no container runs at all" : "there are \(list(running))"))
    }

    /// The nearest of what runs, as a selector of the same kind.
    private func nearest(_ target: Selector.Target) -> Selector.Target? {
        switch target {
        case .container(let name):
            return nearestName(to: name, in: inventory.containers.map(\.name)).map { .container($0) }
        case .compose(let project, let service):
            let composed = inventory.containers.compactMap(\.composeService)
            let text = nearestName(to: "\(project)/\(service)", in: composed)
            let parts = text?.split(separator: "/").map(String.init) ?? []
            return parts.count == 2 ? .compose(project: parts[0], service: parts[1]) : nil
        case .label(let key, let value):
            let values = inventory.containers.compactMap { $0.labels[key] }
            if let near = nearestName(to: value, in: values) { return .label(key: key, value: near) }
            let keys = inventory.containers.filter { $0.labels.contains { $0.value == value } }.flatMap(\.labels.keys)
            return nearestName(to: key, in: Set(keys).sorted()).map { .label(key: $0, value: value) }
        }
    }

    func shared(_ binding: Binding, _ service: Service, _ selector: Selector, with other: Container) -> Diagnostic {
        let range = PortRange(binding.transport, binding.hostPort...binding.hostPort)
        return .warning(
            .sharedHostPort, at: selector.span,
            "\(range) of the host is this service's in one address family, and \(quoted(other.name))'s in the other: "
                + "the service \(quoted(service.name)) does not open it",
            help: "publish the two containers on ports of their own")
    }

    mutating func reportUnpublished(
        _ service: Service, _ selector: Selector, _ containers: [Container], _ found: Found
    ) {
        let bridged = containers.filter { !$0.usesHostNetwork }
        guard !bridged.isEmpty else { return }
        let missing = selector.ports.filter { wanted in
            !found.containerPorts.contains { $0.transport == wanted.transport && $0.ports.overlaps(wanted.ports) }
        }
        guard selector.ports.isEmpty ? found.containerPorts.isEmpty : !missing.isEmpty else { return }
        let published = Set(
            bridged.flatMap { container in
                container.bindings.map { PortRange($0.transport, $0.containerPort...$0.containerPort) }
            }
        ).sorted()
        let names = list(bridged.map(\.name))
        let publishes = published.isEmpty ? "no port" : list(published.map(\.description))
        findings.append(
            .warning(
                .portNotPublished, at: selector.span,
                missing.isEmpty
                    ? "\(names) publishes no port: the service \(quoted(service.name)) lets nobody in"
                    : "\(names) does not publish \(list(missing.map(\.description))), only \(publishes)",
                expected: missing.isEmpty ? nil : "the container's port, the right side of docker's `-p`",
                help: missing.isEmpty
                    ? "publish one with docker's `-p`" : "correct `port`, or publish it with docker's `-p`"))
    }

    private func list(_ names: [String]) -> String {
        let shown = names.prefix(8).map { "`\($0)`" }.joined(separator: ", ")
        return names.count > 8 ? "\(shown) and \(names.count - 8) more" : shown
    }
}

/// Ports that a selector has led to, and that another service names as well.
struct SharedPorts {
    private(set) var findings: [Diagnostic] = []

    init(_ policy: ResolvedPolicy) {
        let isSelecting = policy.services.map { $0.selector != nil }
        guard isSelecting.contains(true) else { return }
        var everywhere = PortIndex()
        var perAddress: [IPAddress: PortIndex] = [:]
        for (index, service) in policy.services.enumerated() {
            for port in service.hostPorts {
                let placed = PlacedPorts(range: port.range, span: service.span)
                if let address = port.address {
                    perAddress[address, default: PortIndex()].insert(placed, of: index)
                } else {
                    everywhere.insert(placed, of: index)
                }
            }
        }
        everywhere.sort()
        for address in perAddress.keys { perAddress[address]?.sort() }
        for (index, service) in policy.services.enumerated() {
            for port in service.hostPorts {
                let placed = PlacedPorts(range: port.range, span: service.span)
                let found =
                    port.address.flatMap { perAddress[$0]?.first(overlapping: placed, before: index) }
                    ?? everywhere.first(overlapping: placed, before: port.address == nil ? index : nil)
                guard let found, found.service != index, isSelecting[index] || isSelecting[found.service] else {
                    continue
                }
                let other = policy.services[found.service]
                findings.append(
                    .warning(
                        .portInTwoServices, at: service.selector?.span ?? service.span,
                        "\(quoted(port.range.description)) of the service \(quoted(service.name)) "
                            + "is published by \(quoted(other.name)) too: whoever one of them allows may enter",
                        help: "join the two services if that is meant",
                        annotations: [
                            .init(other.selector?.span ?? other.span, "published here by \(quoted(other.name))")
                        ]))
            }
        }
    }
}
