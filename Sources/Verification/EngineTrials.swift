internal import Addressing
internal import Docker
internal import NftablesKernel
internal import Policy

/// What is tried with the host's own rules of Docker, on a host in miniature that has its bridges and its containers' addresses.
///
/// Each packet is sent twice: without the policy's table, which shows where Docker's rules take it, and with it. Who may is to get what he
/// got, and nobody else anything.
struct EngineTrials {
    struct Trial {
        var claim: Claim
        var dialled: Meaning.Dialled
        /// Where the container is that Docker says is reached.
        var places: Set<Int>
    }

    let meaning: Meaning
    let scene: Scene
    let rules: ForeignRules
    private(set) var trials: [Trial] = []
    /// How many there would be of each group if all were tried.
    private(set) var possible: [Claims.Group: Int] = [:]
    /// Of Docker's own, what has no place on the stage.
    private(set) var untried: [String] = []
    private var known: Set<Claim> = []
    private let share: Int
    /// Of each service.
    private let hostPorts: [[HostPort]]
    private var samples: [Sampled: [IPAddress]] = [:]

    private struct Sampled: Hashable {
        var service: Int
        var family: AddressFamily
    }

    private static let bindingLimit = 512
    private static let interfaceLimit = 2

    init(_ engine: EngineRules, _ claims: Claims, atMost limit: Int) {
        meaning = claims.meaning
        rules = engine.rules
        let meaning = meaning
        let inventory = meaning.policy.inventory
        scene = Scene(of: inventory, by: engine.interfaces.filter(meaning.isExternal), like: claims.scene)
        let bindings = inventory.containers.reduce(0) { $0 + $1.bindings.count }
        hostPorts = meaning.policy.services.map(\.hostPorts)
        share = max(16, limit / max(bindings, 1))
        addPorts(inventory)
        addAddresses(inventory)
        guard trials.count > limit else { return }
        let sorted = trials.enumerated().sorted { left, right in
            left.element.claim.group == right.element.claim.group
                ? left.offset < right.offset : left.element.claim.group < right.element.claim.group
        }
        trials = limit == 0 ? [] : sorted.map(\.element).evenly(limit)
    }

    // MARK: Published ports

    private mutating func addPorts(_ inventory: Inventory) {
        let all = inventory.containers.flatMap { container in container.bindings.map { (container, $0) } }
        var homeless = 0
        for (container, binding) in all.evenly(Self.bindingLimit) {
            let places = scene.places(of: container)
            let addresses = addresses(of: binding)
            // Nobody outside dials loopback.
            if places.isEmpty || addresses.isEmpty && !binding.hostAddress.isLoopback {
                homeless += 1
                continue
            }
            for address in addresses {
                let services = services(
                    naming: PortRange(binding.transport, binding.hostPort...binding.hostPort), address)
                let about = services.first.map { meaning.policy.services[$0].name } ?? "what Docker publishes"
                let sources = sources(services, address.family)
                for interface in interfaces(to: services) {
                    let dialled = Meaning.Dialled(
                        transport: binding.transport, address: address, port: binding.hostPort, interface: interface)
                    for source in sources {
                        add(
                            about, .dockersPort, dialled, from: source, meaning.published(dialled, from: source), places
                        )
                    }
                }
            }
        }
        if homeless > 0 {
            untried.append(
                "\(homeless) published ports, with the host's own rules: their container or their address has no place there"
            )
        }
        let more = all.count - min(all.count, Self.bindingLimit)
        if more > 0 {
            untried.append("\(more) published ports, with the host's own rules: no more than \(Self.bindingLimit) are")
        }
    }

    /// Where it is reached from outside.
    private func addresses(of binding: Binding) -> [IPAddress] {
        let all = scene.hostAddresses.filter { $0.family == binding.hostAddress.family }
        if binding.hostAddress.isUnspecified { return all.evenly(2) }
        return all.filter { $0 == binding.hostAddress }
    }

    /// The first ones, and the one by which a service is reached that is not reached by all.
    private func interfaces(to services: [Int]) -> [String] {
        let first = scene.external.prefix(Self.interfaceLimit)
        let named = services.flatMap { meaning.policy.services[$0].interfaces }
        let special = scene.external.first { name in named.contains { $0.matches(name) } }
        return first + [special].compactMap(\.self).filter { !first.contains($0) }
    }

    /// Those that name the port, or any.
    private func services(naming port: PortRange, _ address: IPAddress) -> [Int] {
        hostPorts.indices.filter { index in
            meaning.policy.services[index].publish == .any
                || hostPorts[index].contains {
                    ($0.address == nil || $0.address == address) && $0.range.transport == port.transport
                        && $0.range.ports.contains(port.ports.lowerBound)
                }
        }
    }

    /// Inside and beside each end of what a service names, and somebody who is in no list.
    private mutating func sources(_ services: [Int], _ family: AddressFamily) -> [IPAddress] {
        var all: [IPAddress] = []
        for index in services.prefix(4) {
            let sampled = Sampled(service: index, family: family)
            let picked =
                samples[sampled]
                ?? SourceSamples(meaning.clients(ofService: index), family, .ends, atMost: share) {
                    $0.isPossibleClient && !scene.isTaken($0)
                }.picked
            samples[sampled] = picked
            all += picked
        }
        return all + [Claims.stranger(family, not: scene)].compactMap(\.self)
    }

    // MARK: Containers' own addresses

    private mutating func addAddresses(_ inventory: Inventory) {
        guard let interface = scene.external.first else { return }
        for container in inventory.containers {
            let published = container.bindings.map { PortRange($0.transport, $0.containerPort...$0.containerPort) }
            let ports = Set(published + container.publishedPorts).sorted().evenly(4)
            let unlisted = PortRange(.tcp, scene.unlistedPort...scene.unlistedPort)
            for place in scene.places(of: container).sorted() {
                for address in scene.containers[place].addresses {
                    for range in ports + [unlisted] {
                        let dialled = Meaning.Dialled(
                            transport: range.transport, address: address, port: range.ports.lowerBound,
                            interface: interface)
                        add(dialled, place)
                    }
                }
            }
        }
    }

    private mutating func add(_ dialled: Meaning.Dialled, _ place: Int) {
        let services = meaning.policy.services.indices.filter { index in
            meaning.policy.services[index].direct.contains {
                $0.address == dialled.address && $0.range.transport == dialled.transport
                    && $0.range.ports.contains(dialled.port)
            }
        }
        let about = services.first.map { meaning.policy.services[$0].name } ?? "containers' own addresses"
        for source in sources(services, dialled.address.family) {
            add(about, .dockersAddress, dialled, from: source, meaning.direct(dialled, from: source), [place])
        }
    }

    private mutating func add(
        _ about: String, _ path: Claim.Path, _ dialled: Meaning.Dialled, from source: IPAddress, _ ruling: Ruling,
        _ places: Set<Int>
    ) {
        if scene.isTaken(source) { return }
        let claim = Claim(
            about: about, path: path, setup: .ofHost, source: source, from: .beyond(dialled.interface),
            destination: dialled.address, kind: .ports(dialled.transport, dialled.port), ruling: ruling)
        guard known.insert(claim).inserted else { return }
        trials.append(Trial(claim: claim, dialled: dialled, places: places))
        possible[claim.group, default: 0] += 1
    }
}
