internal import Addressing
internal import Diagnostics
internal import Policy

/// Everything that is tried of a policy.
struct Claims {
    /// Part of the policy, path and family: a line of the table.
    struct Group: Hashable {
        var about: String
        var path: Claim.Path
        var family: AddressFamily
    }

    let meaning: Meaning
    let scene: Scene
    private let samples: Samples
    private(set) var claims: [Claim] = []
    /// How many there would be of each group if all were tried.
    private(set) var possible: [Group: Int] = [:]
    private var known: Set<Claim> = []

    private struct Samples {
        var services: [[AddressFamily: SourceSamples]]
        var hostServices: [[AddressFamily: SourceSamples]]
    }

    init(_ policy: ResolvedPolicy, atMost limit: Int) {
        meaning = Meaning(policy)
        let meaning = meaning
        let parts = policy.services.count + (policy.host?.services.count ?? 0)
        // Two families, two hooks, and as much again for all that is not a boundary.
        let share = max(16, limit / max(parts, 1) / 6)
        let mentioned = Set(policy.services.flatMap { $0.on + $0.hostPorts.compactMap(\.address) })
        func sample(_ clients: Meaning.Clients) -> [AddressFamily: SourceSamples] {
            var samples: [AddressFamily: SourceSamples] = [:]
            for family in AddressFamily.allCases {
                samples[family] = SourceSamples(clients, family, atMost: share) {
                    $0.isPossibleClient && !mentioned.contains($0)
                }
            }
            return samples
        }
        samples = Samples(
            services: policy.services.indices.map { sample(meaning.clients(ofService: $0)) },
            hostServices: (policy.host?.services ?? []).indices.map { sample(meaning.clients(ofHostService: $0)) })
        let all = (samples.services + samples.hostServices).flatMap { $0.values.flatMap(\.picked) }
        scene = Scene(policy, meaning, clients: Set(all))
        // What is thinned out below is not kept until then.
        let enough = max(16, 4 * limit / max(parts, 1))
        for index in policy.services.indices { keeping(atMost: enough) { $0.addService(index) } }
        for index in (policy.host?.services ?? []).indices { keeping(atMost: enough) { $0.addHostService(index) } }
        addUnlisted()
        addDockersPorts()
        addGaps()
        addOtherInterfaces()
        addUnusual()
        addInside()
        addOpen()
        thin(to: limit)
    }

    // MARK: Collecting

    mutating func add(_ claim: Claim) {
        if case .beyond = claim.from, scene.isTaken(claim.source) { return }
        guard known.insert(claim.keyed).inserted else { return }
        claims.append(claim)
        possible[claim.group, default: 0] += 1
    }

    /// A packet from beyond an interface to a port, by each of the paths on which the policy says what becomes of it.
    mutating func add(
        _ about: String, _ dialled: Meaning.Dialled, from source: IPAddress, paths: [Claim.Path]
    ) {
        let isJudged = meaning.isExternal(dialled.interface)
        for path in paths {
            let ruling: Ruling?
            switch path {
            case .published: ruling = isJudged ? meaning.published(dialled, from: source) : .trusted
            case .input: ruling = isJudged ? meaning.input(dialled, from: source) : .trusted
            case .direct: ruling = isJudged ? meaning.direct(dialled, from: source) : .trusted
            case .untracked: ruling = isJudged ? meaning.untracked(dialled) : .trusted
            case .trusted, .fromContainer, .fromHost, .stray, .open, .dockersPort, .dockersAddress: ruling = nil
            }
            guard let ruling else { continue }
            add(
                Claim(
                    about: about, path: isJudged ? path : .trusted, setup: path.setup, source: source,
                    from: .beyond(dialled.interface), destination: dialled.address,
                    kind: .ports(dialled.transport, dialled.port), ruling: ruling))
        }
    }

    /// Somebody whom the service lets in.
    func sample(ofService index: Int, _ family: AddressFamily) -> IPAddress? {
        samples.services[index][family]?.picked.first {
            meaning.clients(ofService: index).contains($0) && !scene.isTaken($0)
        }
    }

    // MARK: Services

    private mutating func addService(_ index: Int) {
        let service = meaning.policy.services[index]
        let ports = meaning.ports(of: service, unlisted: scene.unlistedPort)
        for family in AddressFamily.allCases {
            guard let sources = samples.services[index][family] else { continue }
            let addresses = meaning.addresses(of: service, family, among: scene.hostAddresses)
            let few = representatives(of: meaning.clients(ofService: index), sources)
            for transport in TransportProtocol.allCases {
                guard let port = ports.first(where: { $0.transport == transport })?.ports.lowerBound,
                    let address = addresses.first, let interface = interfaces(of: service).first
                else { continue }
                let dialled = Meaning.Dialled(
                    transport: transport, address: address, port: port, interface: interface)
                for source in sources.picked { add(service.name, dialled, from: source, paths: transport.hooks) }
                for source in few { add(service.name, dialled, from: source, paths: [.untracked]) }
                let more = sources.total - sources.picked.count
                for path in transport.hooks where more > 0 {
                    possible[Group(about: service.name, path: path, family: family), default: 0] += more
                }
            }
            for range in ports {
                for port in range.samples {
                    for address in addresses {
                        for interface in interfaces(of: service) {
                            let dialled = Meaning.Dialled(
                                transport: range.transport, address: address, port: port, interface: interface)
                            for source in few {
                                add(service.name, dialled, from: source, paths: range.transport.hooks)
                            }
                        }
                    }
                }
            }
            addDirect(service, few, sources, family)
        }
    }

    /// Those through which it is reached first, then the others.
    private func interfaces(of service: Service) -> [String] {
        let all = scene.external + scene.trusted
        let reached = all.filter { name in service.interfaces.contains { $0.matches(name) } }
        return reached + all.filter { !reached.contains($0) }
    }

    /// One who may and one who may not, as far as there are such.
    private func representatives(of clients: Meaning.Clients, _ sources: SourceSamples) -> [IPAddress] {
        let free = sources.picked.filter { !scene.isTaken($0) }
        return [free.first { clients.contains($0) }, free.last { !clients.contains($0) }].compactMap(\.self)
    }

    private mutating func addDirect(
        _ service: Service, _ few: [IPAddress], _ sources: SourceSamples, _ family: AddressFamily
    ) {
        let ports = service.direct.filter { $0.address.family == family && scene.isTaken($0.address) }.evenly(16)
        for (number, port) in ports.enumerated() {
            for interface in interfaces(of: service) {
                for edge in port.range.samples {
                    let dialled = Meaning.Dialled(
                        transport: port.range.transport, address: port.address, port: edge, interface: interface)
                    let isFirst = number == 0 && edge == port.range.ports.lowerBound
                    for source in isFirst ? sources.picked : few {
                        add(service.name, dialled, from: source, paths: [.direct])
                    }
                }
            }
        }
    }

    // MARK: The machine itself

    private mutating func addHostService(_ index: Int) {
        guard let service = meaning.policy.host?.services[index] else { return }
        let about = "host \(service.name)"
        for family in AddressFamily.allCases {
            guard let sources = samples.hostServices[index][family],
                let address = scene.hostAddresses.first(where: { $0.family == family })
            else { continue }
            let few = representatives(of: meaning.clients(ofHostService: index), sources)
            for (number, interface) in (scene.external + scene.trusted).enumerated() {
                let tried = number == 0 ? sources.picked : few
                switch service.opening {
                case .echoRequest:
                    for source in tried {
                        let isJudged = meaning.isExternal(interface)
                        add(
                            Claim(
                                about: about, path: isJudged ? .input : .trusted, setup: .local, source: source,
                                from: .beyond(interface), destination: address, kind: .echoRequest,
                                ruling: isJudged ? meaning.echoRequest(from: source) : .trusted))
                    }
                case .ports(let ranges):
                    for (place, range) in ranges.enumerated() {
                        for edge in range.samples {
                            let isFirst = place == 0 && edge == range.ports.lowerBound
                            for source in isFirst ? tried : few {
                                let dialled = Meaning.Dialled(
                                    transport: range.transport, address: address, port: edge, interface: interface)
                                add(about, dialled, from: source, paths: [.input])
                            }
                        }
                    }
                }
            }
        }
    }

    // MARK: Thinning

    private mutating func keeping(atMost count: Int, _ body: (inout Self) -> Void) {
        let before = claims.count
        body(&self)
        let added = Array(claims[before...])
        guard added.count > count else { return }
        claims.removeSubrange(before...)
        claims += added.evenly(count)
    }

    /// Evenly over what there is, so that each group keeps its share.
    private mutating func thin(to limit: Int) {
        guard claims.count > limit, limit > 0 else { return }
        let sorted = claims.enumerated().sorted { left, right in
            left.element.group == right.element.group
                ? left.offset < right.offset : left.element.group < right.element.group
        }
        claims = sorted.map(\.element).evenly(limit)
    }
}

extension Claims.Group: Comparable {
    static func < (left: Self, right: Self) -> Bool {
        (left.about, left.path, left.family) < (right.about, right.path, right.family)
    }
}

extension Claim {
    var group: Claims.Group { Claims.Group(about: about, path: path, family: family) }

    /// The same packet, whatever it is tried for.
    fileprivate var keyed: Claim {
        var claim = self
        claim.about = ""
        claim.path = .published
        return claim
    }
}

extension Claim.Path {
    fileprivate var setup: Claim.Setup {
        switch self {
        case .input: .local
        case .untracked: .untracked
        case .published, .direct, .trusted, .fromContainer, .fromHost, .stray, .open: .translated
        case .dockersPort, .dockersAddress: .ofHost
        }
    }
}

extension Ruling {
    static var trusted: Self { Ruling(.passes, "an interface that is not external") }
}

extension TransportProtocol {
    /// SCTP has no listeners on the host.
    fileprivate var hooks: [Claim.Path] {
        switch self {
        case .tcp, .udp: [.published, .input]
        case .sctp: [.published]
        }
    }
}

extension PortRange {
    /// Its ends, the ports just beside them, and two between them.
    var samples: [UInt16] {
        var samples = [ports.lowerBound]
        if ports.upperBound > ports.lowerBound { samples.append(ports.upperBound) }
        if ports.lowerBound > 1 { samples.append(ports.lowerBound - 1) }
        if ports.upperBound < .max { samples.append(ports.upperBound + 1) }
        return samples + ports.within(2)
    }
}
