import Addressing
import Diagnostics
import Docker

@testable import Policy

/// SplitMix64 (Steele, Lea, Flood 2014): the same seed, the same policies.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }
}

/// Policies that no person would write, with everything that the compiler knows in them.
struct RandomPolicy {
    var generator: SeededGenerator
    private let span = Span(file: "random.yaml", start: Position(line: 1, column: 1), end: Position(line: 1, column: 2))

    /// Containers that may be on the wire of an interface: its chain can be loaded only where there is one of that name.
    private let wire: (parent: String, addresses: [IPAddress])?

    init(seed: UInt64, wire: (parent: String, addresses: [IPAddress])? = nil) {
        generator = SeededGenerator(seed: seed)
        self.wire = wire
    }

    private mutating func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &generator) < percent }

    private mutating func some<Item>(_ items: [Item], _ percent: Int) -> [Item] {
        items.filter { _ in chance(percent) }
    }

    mutating func next() -> ResolvedPolicy {
        let groups = (0..<Int.random(in: 0...4, using: &generator)).map { number in
            Group(
                name: "group \(number)", addresses: addresses(Int.random(in: 0...30, using: &generator)), members: [],
                span: span)
        }
        let names = groups.map(\.name)
        let count = Int.random(in: 0...8, using: &generator)
        var policy = ResolvedPolicy(
            interfaces: interfaces(), groups: groups,
            services: (0..<count).map { service("service-\($0)", names) },
            unlisted: Unlisted.allCases.randomElement(using: &generator) ?? .drop,
            refuse: Refusal.allCases.randomElement(using: &generator) ?? .drop,
            log: Log(
                refused: chance(70), rate: UInt64.random(in: 1...50, using: &generator), unit: .second,
                destination: chance(50) ? .kernel : .nflog(group: 4)),
            host: chance(50) ? host(names) : nil)
        if chance(60) { policy.inventory = inventory() }
        return policy
    }

    private static let hosts: [IPAddress] = ["192.0.2.1", "198.51.100.1", "2001:db8:1::1"].compactMap { IPAddress($0) }
    private static let containers: [IPAddress] = ["172.28.0.2", "172.28.0.3", "2001:db8:7::2"]
        .compactMap { IPAddress($0) }

    private mutating func inventory() -> Inventory {
        let addresses = Self.hosts + ["0.0.0.0", "::", "127.0.0.1"].compactMap { IPAddress($0) }
        let bindings = (0..<Int.random(in: 0...12, using: &generator)).compactMap { _ in
            addresses.randomElement(using: &generator).map {
                Binding(
                    hostAddress: $0, hostPort: UInt16.random(in: 8000...8040, using: &generator),
                    transport: TransportProtocol.allCases.randomElement(using: &generator) ?? .tcp, containerPort: 80)
            }
        }
        let published = Container(id: "1", name: "random", bindings: bindings)
        guard let wire, chance(70) else { return Inventory(containers: [published]) }
        let onTheWire = Container(
            id: "2", name: "wire", attachments: wire.addresses.map { Attachment(network: "wire", $0) })
        return Inventory(
            containers: [published, onTheWire],
            networks: [Network(id: "wire", name: "wire", driver: .macvlan, parent: try? InterfaceName(wire.parent))])
    }

    private mutating func interfaces() -> Interfaces {
        let names = ["docker0", "br-*", "podman*"].compactMap { try? InterfaceName($0) }
        let external = ["ext0", "ext1", "wg*"].compactMap { try? InterfaceName($0) }
        return Interfaces(
            external: chance(80) ? .auto : .listed(external),
            containers: [names[0]] + some(Array(names.dropFirst()), 50), span: Span(start: "policy.yaml"))
    }

    private mutating func addresses(_ count: Int) -> AddressSet {
        var v4: [ClosedRange<UInt32>] = []
        var v6: [ClosedRange<UInt128>] = []
        for _ in 0..<count {
            if chance(60) {
                // A small field, so that ranges meet and touch; and now and then the ends of the space.
                let low =
                    chance(5)
                    ? UInt32.max - 3 : chance(5) ? 0 : 0xcb00_7100 + UInt32.random(in: 0...255, using: &generator)
                v4.append(low...max(low, low &+ UInt32.random(in: 0...6, using: &generator)))
            } else {
                let base: UInt128 = 0x2001_0db8 << 96
                let low =
                    chance(5) ? UInt128.max - 3 : base + UInt128(UInt8.random(in: 0...255, using: &generator)) << 64
                v6.append(low...max(low, low &+ UInt128(UInt64.random(in: 0...6, using: &generator)) << 60))
            }
        }
        return AddressSet(v4: IntervalSet(v4), v6: IntervalSet(v6))
    }

    private mutating func sources(_ groups: [String]) -> Sources {
        switch Int.random(in: 0..<10, using: &generator) {
        case 0: .anyone
        case 1: .nobody
        default:
            .listed(groups: some(groups, 40), addresses: addresses(Int.random(in: 0...4, using: &generator)))
        }
    }

    private mutating func ports() -> [PortRange] {
        (0..<Int.random(in: 1...4, using: &generator)).map { _ in
            let low = UInt16.random(in: 8000...8030, using: &generator)
            let high = low + (chance(40) ? UInt16.random(in: 0...8, using: &generator) : 0)
            return PortRange(TransportProtocol.allCases.randomElement(using: &generator) ?? .tcp, low...high)
        }
    }

    private mutating func service(_ name: String, _ groups: [String]) -> Service {
        let hosts = Self.hosts
        let external = ["ext0", "wg*"].compactMap { try? InterfaceName($0) }
        let except = sources(groups)
        var service = Service(
            name: name, publish: chance(15) ? .any : .ports(ports()), on: chance(30) ? some(hosts, 50) : [],
            interfaces: chance(20) ? some(external, 60) : [], allow: sources(groups),
            except: except == .anyone || chance(60) ? .nobody : except, span: span)
        guard chance(25) else { return service }
        service.publish = .selected(Selector(target: .container(name), ports: [], isRequired: false, span: span))
        service.selected = Set(
            ports().map { HostPort(chance(50) ? nil : hosts.randomElement(using: &generator), $0) }
        ).sorted()
        service.direct = some(Self.containers + (wire?.addresses ?? []), 60).flatMap { address in
            ports().map { DirectPort(address: address, range: $0) }
        }
        return service
    }

    private mutating func host(_ groups: [String]) -> Host {
        let services = (0..<Int.random(in: 0...3, using: &generator)).map { number in
            HostService(
                name: "host-\(number)", opening: .ports(ports()), allow: sources(groups), except: .nobody, span: span)
        }
        let ping = HostService(name: "ping", opening: .echoRequest, allow: sources(groups), except: .nobody, span: span)
        return Host(
            services: services + (chance(50) ? [ping] : []), otherwise: chance(50) ? .drop : .accept, span: span)
    }
}

extension Attachment {
    init(network: String, _ address: IPAddress) {
        switch address {
        case .v4(let address): self.init(network: network, ipv4: address)
        case .v6(let address): self.init(network: network, ipv6: address)
        }
    }
}
