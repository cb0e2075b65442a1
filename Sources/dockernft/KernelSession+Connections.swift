internal import Conntrack
internal import HostRules
internal import NftablesKernel
internal import Presentation
internal import Simulator

extension KernelSession {
    /// Which open connections end by what `trial` knows. That they cannot be told keeps nobody from an apply.
    func connections(_ trial: FlowTrial) -> Plan.OpenConnections {
        do {
            let network = try HostNetwork.read(namespace: namespacePath)
            return .known(try EndedConnections.read(namespace: namespacePath, network, trial))
        } catch {
            return .unknown("\(error)")
        }
    }
}
