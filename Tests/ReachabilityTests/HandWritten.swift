import Addressing
import HostRules
import Reachability

/// Rules in a few words, as nft would make instructions of them.
enum Rule {
    static func interface(_ name: String, isNot: Bool = false) -> [Instruction] {
        [.loadMeta(6, into: 0), .compare(0, operation: isNot ? 1 : 0, padded(name))]
    }

    static func output(_ name: String, isNot: Bool = false) -> [Instruction] {
        [.loadMeta(7, into: 0), .compare(0, operation: isNot ? 1 : 0, padded(name))]
    }

    static func padded(_ name: String) -> [UInt8] {
        let bytes = Array(name.utf8)
        return bytes + Array(repeating: 0, count: 16 - bytes.count)
    }

    static func port(_ port: UInt16) -> [Instruction] {
        [
            .loadMeta(16, into: 0), .compare(0, operation: 0, [6]),
            .loadPayload(base: 2, offset: 2, length: 2, into: 0), .compare(0, operation: 0, bytes(port)),
        ]
    }

    static func bytes(_ port: UInt16) -> [UInt8] { [UInt8(port >> 8), UInt8(port & 0xff)] }

    static func destination(_ address: String) -> [Instruction] { match(address, v4: 16, v6: 24) }
    static func source(_ address: String) -> [Instruction] { match(address, v4: 12, v6: 8) }

    private static func match(_ text: String, v4: Int, v6: Int) -> [Instruction] {
        let bytes = octets(text)
        return [
            .loadPayload(base: 1, offset: bytes.count == 4 ? v4 : v6, length: bytes.count, into: 0),
            .compare(0, operation: 0, bytes),
        ]
    }

    static func octets(_ text: String) -> [UInt8] {
        switch IPAddress(text) {
        case .v4(let address): (0..<4).map { UInt8(truncatingIfNeeded: address.bits >> (24 - 8 * $0)) }
        case .v6(let address): (0..<16).map { UInt8(truncatingIfNeeded: address.bits >> (120 - 8 * $0)) }
        case nil: []
        }
    }

    static var isLocal: [Instruction] {
        [.loadFIB(result: 3, flags: 2, into: 0), .compare(0, operation: 0, [2, 0, 0, 0])]
    }

    static func state(_ bits: UInt8) -> [Instruction] {
        [
            .loadConntrack(0, direction: nil, into: 0),
            .bitwise(0, mask: [bits, 0, 0, 0], xor: [0, 0, 0, 0], into: 0),
            .compare(0, operation: 1, [0, 0, 0, 0]),
        ]
    }

    static var isNATed: [Instruction] {
        [
            .loadConntrack(2, direction: nil, into: 0),
            .bitwise(0, mask: [0x20, 0, 0, 0], xor: [0, 0, 0, 0], into: 0),
            .compare(0, operation: 1, [0, 0, 0, 0]),
        ]
    }

    static func dialled(port: UInt16) -> [Instruction] {
        [.loadConntrack(12, direction: 0, into: 0), .compare(0, operation: 0, bytes(port))]
    }

    static func dnat(_ address: String, _ port: UInt16) -> [Instruction] {
        [
            .loadImmediate(octets(address), into: 0), .loadImmediate(bytes(port), into: 4),
            .destinationNAT(address: 0, port: 4),
        ]
    }

    static let accept: [Instruction] = [.verdict(.accept)]
    static let drop: [Instruction] = [.verdict(.drop)]
}

extension HostChain {
    static func at(
        _ hook: Base.Hook, _ priority: Int32, type: String = "filter", drops: Bool = false, devices: [String] = [],
        _ rules: [[Instruction]]
    ) -> Self {
        HostChain(
            name: "\(hook) \(priority)",
            base: Base(type: type, hook: hook, priority: priority, dropsByDefault: drops, devices: devices),
            rules: rules.numbered)
    }

    static func named(_ name: String, _ rules: [[Instruction]]) -> Self { HostChain(name: name, rules: rules.numbered) }
}

extension [[Instruction]] {
    fileprivate var numbered: [HostRule] { enumerated().map { HostRule(handle: UInt64($0.offset + 1), $0.element) } }
}

/// The host of the recorded engines: 192.0.2.1 and 2001:db8:1::1 outside, one container behind docker0.
struct HandWritten {
    var tables: [HostTable] = []
    var loopback = false
    var forwards: Set<AddressFamily> = [.ipv4, .ipv6]

    init(_ chains: [HostChain], sets: [HostSet] = []) { self.init(.inet, chains, sets: sets) }

    init(_ family: HostTable.Family, _ chains: [HostChain], sets: [HostSet] = []) {
        tables = [HostTable(family: family, name: "t", chains: chains, sets: sets)]
    }

    /// Docker's, as 20.10 writes it.
    static func docker(_ more: [HostTable] = []) -> Self {
        var host = Self([])
        host.tables =
            [
                HostTable(
                    family: .ip, name: "nat",
                    chains: [
                        .at(.prerouting, -100, type: "nat", [Rule.isLocal + [.verdict(.jump("DOCKER"))]]),
                        .named(
                            "DOCKER",
                            [Rule.interface("docker0", isNot: true) + Rule.port(8081) + Rule.dnat("172.17.0.2", 80)]),
                    ]),
                HostTable(
                    family: .ip, name: "filter",
                    chains: [
                        .at(
                            .forward, 0, drops: true,
                            [
                                Rule.output("docker0") + Rule.state(6) + Rule.accept,
                                Rule.output("docker0") + [.verdict(.jump("DOCKER"))],
                            ]),
                        .named(
                            "DOCKER",
                            [
                                Rule.destination("172.17.0.2") + Rule.interface("docker0", isNot: true) + Rule.port(80)
                                    + Rule.accept
                            ]),
                    ]),
            ] + more
        return host
    }

    var topology: Topology {
        Topology(
            links: [
                .init(
                    name: "ext0", index: 2,
                    addresses: ["192.0.2.1", "192.0.2.2", "2001:db8:1::1", "fe80::1"].compactMap(IPAddress.init),
                    forwards: forwards, routesLoopback: loopback),
                .init(
                    name: "docker0", index: 3, addresses: ["172.17.0.1"].compactMap(IPAddress.init), forwards: forwards),
            ],
            routes: [
                .init(.v4(0xac11_0000...0xac11_ffff), interface: "docker0"),
                .init(.v4(0xc000_0200...0xc000_02ff), interface: "ext0"),
            ])
    }

    func ask(_ address: String, _ port: UInt16, _ transport: TransportProtocol = .tcp, through extent: Extent = .host)
        -> Answer
    {
        var reachability = Reachability(HostRuleset(generation: 1, tables: tables), topology: topology)
        let address = IPAddress(address) ?? .v4(IPv4Address(0))
        return reachability.answer(
            Approach(interface: "ext0", transport: transport, address: address, port: port), through: extent)
    }
}

extension Answer {
    /// `203.0.113.1` or such, as one of the sets holds it.
    func from(_ source: String) -> Passage? { IPAddress(source).map { passage(from: $0) } }

    var isOpenToAll: Bool { closed.isEmpty && unknown.isEmpty }
    var isClosedToAll: Bool { open.isEmpty && unknown.isEmpty }
    var isUnknownToAll: Bool { open.isEmpty && closed.isEmpty }
}
