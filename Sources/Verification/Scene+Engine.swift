internal import Addressing
internal import Docker

extension Scene {
    /// So many containers are on the stage at most.
    private static let residentLimit = 128

    /// The bridges and containers that the engine has, with its own names and addresses, and the rest of a scene as it is.
    init(of inventory: Inventory, by interfaces: [String], like scene: Scene) {
        let hostAddresses = Set(scene.hostAddresses)
        var bridges: [Bridge] = []
        var taken: Set<IPAddress> = hostAddresses
        for (container, attachment, bridge) in inventory.attachedToBridges.evenly(Self.residentLimit) {
            let addresses = attachment.addresses.filter { $0.isPossibleClient && taken.insert($0).inserted }
            guard !addresses.isEmpty else { continue }
            let resident = Resident(name: "\(bridge)/\(container.id)", addresses: addresses)
            if let index = bridges.firstIndex(where: { $0.name == bridge }) {
                bridges[index].containers.append(resident)
            } else {
                bridges.append(Bridge(name: bridge, containers: [resident]))
            }
        }
        let names = Set(bridges.map(\.name))
        let external = interfaces + scene.external.filter { !interfaces.contains($0) }
        self.init(
            external: external.filter { !names.contains($0) }, bridges: bridges,
            hostAddresses: scene.hostAddresses, unlistedPort: scene.unlistedPort)
    }

    /// Where the container is, by place.
    func places(of container: Docker.Container) -> Set<Int> {
        Set(containers.indices.filter { containers[$0].name.hasSuffix("/\(container.id)") })
    }
}

extension Inventory {
    /// Those that publish something first.
    fileprivate var attachedToBridges: [(Docker.Container, Attachment, bridge: String)] {
        let order = containers.filter { !$0.bindings.isEmpty } + containers.filter(\.bindings.isEmpty)
        return order.flatMap { container in
            container.attachments.compactMap { attachment in
                network(id: attachment.network)?.bridge.map { (container, attachment, $0.stem) }
            }
        }
    }
}
