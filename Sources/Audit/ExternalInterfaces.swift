internal import Addressing
internal import Policy

/// By which interfaces strangers come: as the policy says, or as is usual where there is none.
struct ExternalInterfaces {
    private let policy: ResolvedPolicy?

    init(_ policy: ResolvedPolicy?) { self.policy = policy }

    /// As container bridges are called where no policy says otherwise.
    private static let bridges = ["docker0", "docker_gwbridge", "br-", "podman", "cni-podman"]

    /// Whether it is called like a container bridge, so that what comes in by it is not judged.
    func isCalledBridge(_ interface: String) -> Bool {
        guard let policy else { return Self.bridges.contains { interface.hasPrefix($0) } }
        return policy.interfaces.containers.contains { $0.matches(interface) }
    }

    /// Whether packets by it are judged at all: `auto` is every interface but `lo` and the container bridges.
    func contains(_ interface: String) -> Bool {
        if interface == "lo" { return false }
        guard let policy else { return !Self.bridges.contains { interface.hasPrefix($0) } }
        if policy.interfaces.containers.contains(where: { $0.matches(interface) }) { return false }
        switch policy.interfaces.external {
        case .auto: return true
        case .listed(let names): return names.contains { $0.matches(interface) }
        }
    }
}
