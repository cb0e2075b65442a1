import Audit
import HostRules
import NftablesKernel
import Reachability
import TestSupport

extension Subject {
    /// A host as the command reads it, without what Docker says and any policy allows.
    init(_ namespace: NetworkNamespace) throws {
        var kernel = try KernelConnection(namespace: namespace.path)
        let network = try HostNetwork.read(namespace: namespace.path)
        let owners = SocketOwners(of: network.listeners)
        self.init(
            rules: try kernel.readHost(), topology: Topology(network),
            listeners: network.listeners.compactMap { Listener($0, processes: owners.names(of: $0)) })
    }
}
