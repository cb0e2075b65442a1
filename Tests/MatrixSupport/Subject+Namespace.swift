public import Audit
import HostRules
import NftablesKernel
import Reachability
public import TestSupport

extension Subject {
    /// A host as the command reads it, without what Docker says and any policy allows.
    public init(_ namespace: NetworkNamespace) throws {
        var kernel = try KernelConnection(namespace: namespace.path)
        let network = try HostNetwork.read(namespace: namespace.path)
        let owners = SocketOwners(of: network.listeners)
        let groups = ControlGroups()
        self.init(
            rules: try kernel.readHost(), topology: Topology(network),
            listeners: network.listeners.compactMap {
                Listener(
                    $0, of: network, processes: owners.names(of: $0), controlGroups: $0.cgroup.flatMap(groups.lineage))
            })
    }
}
