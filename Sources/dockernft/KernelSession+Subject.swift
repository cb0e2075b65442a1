internal import Audit
internal import Docker
internal import Files
internal import HostRules
internal import NftablesKernel
internal import Policy
internal import Reachability
internal import State

extension KernelSession {
    /// All of the host that is looked at to say who reaches what by the rules in force.
    func subject(inventory: Inventory?, policy: ResolvedPolicy?, table: TableCondition) throws -> Subject {
        let network = try HostNetwork.read(namespace: namespacePath)
        let owners = SocketOwners(of: network.listeners)
        let groups = ControlGroups()
        return Subject(
            rules: try host(), topology: Topology(network),
            listeners: network.listeners.compactMap {
                Listener(
                    $0, of: network, processes: owners.names(of: $0),
                    controlGroups: $0.cgroup.flatMap(groups.lineage))
            },
            inventory: inventory, policy: policy, table: table, installation: HostSetup.installation(network))
    }

    /// The policy applied last, or the usual one. A policy that nobody names need not be there.
    var likelyPolicyPath: String? {
        [record()?.policyPath, PolicyArgument.standardPath].compactMap(\.self).first { path in
            (try? File.read(path, atMost: 16 << 20)) != nil
        }
    }
}
