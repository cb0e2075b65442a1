internal import Addressing
internal import Docker
internal import Policy

/// The names and addresses of the host that a policy is tried on: those that it speaks of, and such that it does not.
struct Scene {
    struct Bridge: Hashable {
        var name: String
        var containers: [Resident]
    }

    /// A container with its addresses.
    struct Resident: Hashable {
        var name: String
        var addresses: [IPAddress]

        func address(_ family: AddressFamily) -> IPAddress? { addresses.first { $0.family == family } }
    }

    /// Each leads to a network of its own.
    private(set) var external: [String] = []
    /// Neither external nor a bridge: what comes in by it is not judged.
    private(set) var trusted: [String] = []
    /// Names that no policy needs to speak of, some external and some not: each is tried with a few packets.
    private(set) var others: [String] = []
    private(set) var bridges: [Bridge] = []
    /// Those of `on:` and one more a family.
    private(set) var hostAddresses: [IPAddress] = []
    /// No service speaks of it.
    private(set) var unlistedPort: UInt16 = 0
    /// The same, of the range that Linux takes ports of clients from (`ip_local_port_range`); nil where services have them all.
    private(set) var clientPort: UInt16?

    init(_ policy: ResolvedPolicy, _ meaning: Meaning, clients: Set<IPAddress>) {
        chooseInterfaces(policy, meaning)
        let named = Self.namedPorts(policy)
        unlistedPort = (20_007...32_000).first { !named.contains($0) && !named.contains($0 + 1) } ?? 20_007
        clientPort = (45_001...60_999).first { !named.contains($0) }
        let mentioned = Set(
            policy.services.flatMap { $0.on + $0.hostPorts.compactMap(\.address) }
                + policy.inventory.containers.flatMap(\.bindings).map(\.hostAddress)
        ).filter(\.isPossibleClient).sorted()
        let direct = Set(policy.services.flatMap(\.direct).map(\.address)).subtracting(policy.inventory.wire).sorted()
        let taken = clients.union(mentioned).union(direct)
        hostAddresses = mentioned.evenly(64) + Self.free(Self.hostCandidates, taken)
        chooseContainers(policy, meaning, direct, taken)
        containers = bridges.flatMap(\.containers)
        own = Set(hostAddresses + containers.flatMap(\.addresses))
    }

    /// One that is given.
    init(external: [String], bridges: [Bridge], hostAddresses: [IPAddress], unlistedPort: UInt16) {
        self.external = external
        self.bridges = bridges
        self.hostAddresses = hostAddresses
        self.unlistedPort = unlistedPort
        containers = bridges.flatMap(\.containers)
        own = Set(hostAddresses + containers.flatMap(\.addresses))
    }

    /// What routes lead to, and whoever is there sends as nobody else can.
    func isTaken(_ address: IPAddress) -> Bool { own.contains(address) }

    private var own: Set<IPAddress> = []
    private(set) var containers: [Resident] = []
    /// The container that Docker publishes: only by its DNAT is it reached.
    var published: Resident? { containers.first }

    // MARK: Interfaces

    private static let spareInterfaces = ["eth1", "eth0", "wan0", "verify0"]
    private static let interfaceLimit = 12

    private mutating func chooseInterfaces(_ policy: ResolvedPolicy, _ meaning: Meaning) {
        var named: Set<InterfaceName> = Set(policy.services.flatMap(\.interfaces))
        if case .listed(let names) = policy.interfaces.external { named.formUnion(names) }
        let parents = Set(policy.inventory.networks.compactMap(\.parent))
        var chosen: [String] = []
        let bridgeNames = Self.bridgeNames(policy, meaning)
        func add(_ name: String) {
            // Loopback is no wire.
            if name != "lo", !chosen.contains(name), !bridgeNames.contains(name) { chosen.append(name) }
        }
        // Chains are bound to these, so that they must be there.
        for name in parents.sorted() { add(name.stem) }
        for name in named.sorted() { add(Self.example(name)) }
        // Beside a wildcard: the longest name that it does not match.
        for name in named.sorted() where name.isWildcard && name.stem.count > 1 { add(String(name.stem.dropLast())) }
        for name in Self.spareInterfaces where !named.union(parents).contains(where: { $0.matches(name) }) {
            add(name)
            break
        }
        let all = chosen.filter { meaning.isExternal($0) }
        let bound = all.filter { name in parents.contains { $0.stem == name } }
        external = bound + all.filter { !bound.contains($0) }.evenly(Self.interfaceLimit)
        trusted = Array(chosen.filter { !meaning.isExternal($0) }.prefix(2))
        others = Self.otherInterfaces.filter { name in
            !meaning.isContainers(name) && !all.contains(name) && !trusted.contains(name)
        }
    }

    /// Nearly the names of bridges of containers. Each costs its time, since what comes in by one interface is tried together.
    private static let otherInterfaces = ["br0", "docker1"]

    /// An interface that may exist under the name.
    private static func example(_ name: InterfaceName) -> String {
        guard name.isWildcard, name.stem.utf8.count < InterfaceName.maximumLength else { return name.stem }
        return name.stem + "7"
    }

    // MARK: Addresses

    private static let hostCandidates: [IPAddress] =
        (1...250).map { .v4(IPv4Address(0xc000_0200 + $0)) }
        + (1...250).map { .v6(IPv6Address(0x2001_0db8_00ff << 80 | $0)) }

    /// The first of each family that is nobody's.
    private static func free(_ candidates: [IPAddress], _ taken: Set<IPAddress>) -> [IPAddress] {
        AddressFamily.allCases.compactMap { family in
            candidates.first { $0.family == family && !taken.contains($0) }
        }
    }

    static func namedPorts(_ policy: ResolvedPolicy) -> Set<UInt16> {
        var named: Set<UInt16> = []
        for range in policy.services.flatMap(\.hostPorts).map(\.range) + policy.services.flatMap(\.direct).map(\.range)
        {
            named.formUnion(range.ports)
        }
        for service in policy.host?.services ?? [] {
            if case .ports(let ranges) = service.opening { for range in ranges { named.formUnion(range.ports) } }
        }
        named.formUnion(policy.inventory.containers.flatMap(\.bindings).map(\.hostPort))
        return named
    }

    // MARK: Containers

    private static let bridgeLimit = 6

    /// One that is external as well is a bridge only where there is no other.
    private static func bridgeNames(_ policy: ResolvedPolicy, _ meaning: Meaning) -> [String] {
        var names: [String] = []
        for name in policy.interfaces.containers.map(example) where !names.contains(name) { names.append(name) }
        let inside = names.filter { !meaning.isExternal($0) }
        let chosen = inside.isEmpty ? names : inside
        return chosen.isEmpty ? ["docker0"] : Array(chosen.prefix(bridgeLimit))
    }

    private mutating func chooseContainers(
        _ policy: ResolvedPolicy, _ meaning: Meaning, _ direct: [IPAddress], _ taken: Set<IPAddress>
    ) {
        // A policy without bridges has nothing that would be judged on the way to them.
        let names = Self.bridgeNames(policy, meaning)
        var network = ContainerNetworks(taken: taken.union(hostAddresses))
        bridges = names.map { Bridge(name: $0, containers: []) }
        for index in bridges.indices {
            guard let base = network.next() else { continue }
            bridges[index].containers = ["a", "b"].enumerated().map { number, suffix in
                Resident(name: "\(bridges[index].name)-\(suffix)", addresses: base.addresses(2 + UInt32(number)))
            }
        }
        for (index, address) in direct.evenly(64).enumerated() {
            bridges[0].containers.append(Resident(name: "direct\(index)", addresses: [address]))
        }
    }
}

/// Subnets for containers where no client is.
private struct ContainerNetworks {
    struct Base {
        var v4: UInt32
        var v6: UInt128

        func addresses(_ number: UInt32) -> [IPAddress] {
            [.v4(IPv4Address(v4 + number)), .v6(IPv6Address(v6 + UInt128(number)))]
        }
    }

    private let taken4: Set<UInt32>
    private let taken6: Set<UInt128>
    private var last = 0

    init(taken: Set<IPAddress>) {
        var v4: Set<UInt32> = []
        var v6: Set<UInt128> = []
        for address in taken {
            switch address {
            case .v4(let address): v4.insert(address.bits >> 8)
            case .v6(let address): v6.insert(address.bits >> 64)
            }
        }
        taken4 = v4
        taken6 = v6
    }

    /// A /24 of 172.16.0.0/12, where Docker's are, and a /64 of unique local addresses (RFC 4193).
    mutating func next() -> Base? {
        while last < 4096 {
            let v4 = UInt32(0xac11_0000 >> 8 + last)
            let v6 = UInt128(0xfd00_0000_0000_0000 + UInt64(last) << 16)
            last += 1
            if !taken4.contains(v4), !taken6.contains(v6) { return Base(v4: v4 << 8, v6: v6 << 64) }
        }
        return nil
    }
}

extension Inventory {
    /// Addresses of containers that share an interface of the host: the stage has none such.
    fileprivate var wire: Set<IPAddress> {
        let attachments = containers.flatMap(\.attachments).filter { attachment in
            switch network(id: attachment.network)?.driver {
            case .macvlan, .ipvlan: true
            case .bridge, .host, .none?, .overlay, .other, nil: false
            }
        }
        return Set(attachments.flatMap(\.addresses))
    }
}
