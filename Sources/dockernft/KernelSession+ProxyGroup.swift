internal import Addressing
internal import Docker
internal import HostRules
internal import NftablesKernel

extension KernelSession {
    /// The same, its control group left out where a socket in it is not docker-proxy's: dockerd listens itself, for its API say.
    ///
    /// It can begin to do so only when it starts, in another group. So a group that was good `earlier` is good, also at a moment when
    /// Docker is about to publish a port that nobody can tell from its own.
    func trusting(_ inventory: Inventory, earlier: ProxyGroup?) -> Inventory {
        guard let group = inventory.proxyGroup, group != earlier else { return inventory }
        let published = group.proxiedPorts.union(inventory.containers.flatMap(\.bindings).map(\.hostPorts))
        let isTrusted = (try? HostNetwork.read(namespace: namespacePath).listeners).map { listeners in
            !listeners.contains { listener in
                listener.cgroup == group.id && !listener.isLoopback && !published.contains(listener.ports)
            }
        }
        var result = inventory
        if isTrusted != true { result.proxyGroup = nil }
        return result
    }

    func trusting(_ sighting: Sighting) -> Sighting {
        guard case .seen(let found) = sighting else { return sighting }
        return .seen(trusting(found, earlier: inventory?.proxyGroup))
    }
}

extension Binding {
    fileprivate var hostPorts: PortRange { PortRange(transport, hostPort...hostPort) }
}

extension HostListener {
    fileprivate var ports: PortRange {
        switch transport {
        case .tcp: PortRange(.tcp, port...port)
        case .udp: PortRange(.udp, port...port)
        }
    }

    /// 127.0.0.0/8 and ::1
    fileprivate var isLoopback: Bool {
        address.count == 4 ? address.first == 127 : address.dropLast().allSatisfy { $0 == 0 } && address.last == 1
    }
}
