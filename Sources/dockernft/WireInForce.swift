internal import Addressing
internal import Compiler
internal import Docker
internal import Nftables
internal import NftablesKernel
internal import Presentation

/// What guards containers on the wire, as the kernel's table and its interfaces show it.
enum WireInForce {
    static func all(in ruleset: LinearRuleset, _ session: KernelSession) throws(NetlinkError) -> [Status.Wire] {
        var guarding: [String: Status.Wire.Protection] = [:]
        for device in ruleset.chains.compactMap({ $0.base?.hook.device }) {
            guarding[device] = try session.hasInterface(named: device) ? .guarded : .parentIsAbsent
        }
        let networks = session.inventory?.networksOnTheWire ?? []
        var wires = networks.map { network in
            guard let parent = network.parent?.stem else {
                return Status.Wire(network: network.name, parent: nil, protection: .noParent)
            }
            return Status.Wire(network: network.name, parent: parent, protection: guarding[parent] ?? .none)
        }
        for (device, protection) in guarding.sorted(by: { $0.key < $1.key })
        where !wires.contains(where: { $0.parent == device }) {
            wires.append(Status.Wire(network: nil, parent: device, protection: protection))
        }
        return wires
    }
}
