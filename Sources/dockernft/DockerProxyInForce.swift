internal import Docker
internal import Files
internal import Nftables
internal import Presentation

/// What closes the ports that docker-proxy serves and no service names, as the kernel's table shows it.
enum DockerProxyInForce {
    static func find(in ruleset: LinearRuleset, _ session: KernelSession) -> Status.DockerProxy {
        let closed = ruleset.sets.filter { $0.name.hasPrefix("docker-") }.reduce(0) { $0 + $1.portCount }
        let protection: Status.DockerProxy.Protection =
            if ruleset.counters.contains(where: { $0.name == "unlisted-allowed" }) {
                .accepted
            } else if ruleset.counters.contains(where: { $0.name == "host-refused" }) {
                .host
            } else if ruleset.knowsLiving(session.inventory?.proxyGroup) {
                .controlGroup
            } else if closed > 0 || session.inventory != nil {
                .inventory
            } else {
                .none
            }
        return Status.DockerProxy(protection: protection, closedPorts: closed)
    }
}

extension LinearRuleset {
    /// Whether a rule closes the sockets of this group, and it is still there: a restart of Docker makes another one.
    fileprivate func knowsLiving(_ group: ProxyGroup?) -> Bool {
        guard let group, File.inode("/sys/fs/cgroup/\(group.path)") == group.id else { return false }
        return chains.flatMap(\.rules).contains { rule in
            rule.expressions.contains(.socket(.cgroup(level: group.level), into: .first))
                && rule.expressions.contains(.compare(.first, .equal, group.id.hostOrder))
        }
    }
}

extension NamedSet {
    fileprivate var portCount: Int {
        guard case .keyed(let elements) = elements else { return 0 }
        return elements.reduce(0) { sum, element in
            sum + element.key.reduce(0) { if case .service(let ports) = $1 { $0 + ports.count } else { $0 } }
        }
    }
}
