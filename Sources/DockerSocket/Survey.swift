internal import Addressing
internal import Docker

/// The requests of one inventory. Whatever goes away between two of them is left out.
struct Survey {
    let engine: Engine

    init(_ engine: Engine) { self.engine = engine }

    /// Containers before networks: a network that one of them is on is then in the list of networks.
    func inventory(starting: [String]) throws -> Inventory {
        // At once: as soon as Docker starts them it answers no more for them.
        let named = try Set(starting).sorted().compactMap { try inspected($0) }
        let listed = try engine.get("/containers/json", as: [ListedContainer].self)
        let own =
            engine.isPodman ? try engine.get(engine.libpodRequest("/networks/json"), as: [LibpodNetwork].self) : []
        let networks = try engine.get("/networks", as: [ListedNetwork].self).map { listed in
            try network(listed, own.first { $0.id == listed.id })
        }
        let state = try engine.get("/info", as: EngineState.self)
        let running = Set(listed.map(\.id))
        var found = try listed.compactMap { try container($0, networks) }
        found += named.filter { !running.contains($0.id) }.map { Found(starting: $0, networks) }
        return Inventory(
            containers: Found.joined(found).sorted { ($0.name, $0.id) < ($1.name, $1.id) },
            networks: networks.sorted { ($0.name, $0.id) < ($1.name, $1.id) },
            isInSwarm: state.swarm?.state == "active")
    }

    func waiting() throws -> [Container] {
        // {"status":["created","exited"]}
        let filters = "%7B%22status%22%3A%5B%22created%22%2C%22exited%22%5D%7D"
        let listed = try engine.get("/containers/json?all=1&filters=\(filters)", as: [ListedContainer].self)
        let networks = try engine.get("/networks", as: [ListedNetwork].self).map { try network($0, nil) }
        let found = try listed.compactMap { try inspected($0.id).map { Found(starting: $0, networks) } }
        return Found.joined(found).sorted { ($0.name, $0.id) < ($1.name, $1.id) }
    }

    private func container(_ listed: ListedContainer, _ networks: [Network]) throws -> Found? {
        var found = Found(listed, networks)
        let attached = networks.filter { network in found.container.attachments.contains { $0.network == network.id } }
        guard engine.isPodman || attached.contains(where: \.isReachedByContainerPort) else { return found }
        guard let inspected = try inspected(listed.id) else { return nil }
        found.add(inspected)
        if engine.isPodman { found.addBindings(inspected) }
        return found
    }

    /// Nil where it has gone away.
    private func inspected(_ id: String) throws -> InspectedContainer? {
        do {
            return try engine.get("/containers/\(id)/json", as: InspectedContainer.self)
        } catch let error as DockerError {
            guard case .status(_, 404, _) = error.problem else { throw error }
            return nil
        }
    }

    /// `own`: what Podman says itself of the same network.
    private func network(_ listed: ListedNetwork, _ own: LibpodNetwork?) throws -> Network {
        let driver = Network.Driver(name: listed.driver)
        let start = listed.id.prefix(12)
        let options = listed.options ?? [:]
        var network = Network(
            id: listed.id, name: own?.name ?? listed.name, driver: driver,
            gatewayMode4: .init(option: options["com.docker.network.bridge.gateway_mode_ipv4"]),
            gatewayMode6: .init(option: options["com.docker.network.bridge.gateway_mode_ipv6"]),
            subnets: (listed.ipam?.config ?? []).compactMap { $0.subnet?.subnet },
            isInternal: listed.isInternal ?? false)
        switch driver {
        case .bridge:
            network.bridge = try interface(
                named(own?.interface) ?? named(options["com.docker.network.bridge.name"]) ?? "br-\(start)", of: listed)
        // Without a parent Docker makes a dummy, and puts them on it.
        case .macvlan: network.parent = try interface(named(options["parent"]) ?? "dm-\(start)", of: listed)
        case .ipvlan: network.parent = try interface(named(options["parent"]) ?? "di-\(start)", of: listed)
        case .host, .none, .overlay, .other: break
        }
        return network
    }

    private func named(_ option: String?) -> String? { option.flatMap { $0.isEmpty ? nil : $0 } }

    private func interface(_ name: String, of network: ListedNetwork) throws(DockerError) -> InterfaceName {
        guard let interface = try? InterfaceName(name), !interface.isWildcard else {
            let request = engine.request("/networks")
            throw request.error(
                .malformed(
                    request: request.name, field: "the interface of network “\(network.name)”",
                    expected: "an interface's name, not “\(name)”"))
        }
        return interface
    }
}

extension Network {
    /// Whether a container's own port is what a packet from outside names: then it matters what `-p` asked for, and lists do not
    /// say it.
    fileprivate var isReachedByContainerPort: Bool {
        driver == .macvlan || driver == .ipvlan || gatewayMode4.isDirect || gatewayMode6.isDirect
    }
}

extension Network.GatewayMode {
    /// A mode that we do not know opens nothing by container address.
    fileprivate init(option: String?) { self = option.flatMap(Self.init(rawValue:)) ?? .nat }
}
