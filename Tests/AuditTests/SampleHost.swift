import Addressing
import Audit
import Diagnostics
import Docker
import HostRules
import Policy
import Reachability

/// One container, 172.17.0.2 on docker0, published as `-p 8081:80`, on a host with the rules of Docker 20.10 or none.
struct SampleHost {
    var tables: [HostTable]
    var policy: ResolvedPolicy?
    var installation = Installation()
    var condition = TableCondition.asApplied
    var listeners = [
        Listener(transport: .tcp, address: .v4(IPv4Address(0)), port: 8081, processes: ["docker-proxy"]),
        Listener(transport: .tcp, address: .v6(IPv6Address(0)), port: 8081, processes: ["docker-proxy"]),
    ]
    var inventory = Inventory(
        containers: [
            Container(
                id: "1", name: "web",
                attachments: [Attachment(network: "n", ipv4: IPv4Address(0xac11_0002))],
                bindings: [
                    Binding(hostAddress: .v4(IPv4Address(0)), hostPort: 8081, transport: .tcp, containerPort: 80),
                    Binding(hostAddress: .v6(IPv6Address(0)), hostPort: 8081, transport: .tcp, containerPort: 80),
                ])
        ],
        networks: [
            Network(
                id: "n", name: "bridge", bridge: try? InterfaceName("docker0"),
                subnets: [.v4(0xac11_0000...0xac11_ffff)])
        ])

    init(_ more: [HostTable] = [], policy text: String? = nil, hasDockerRules: Bool = true) {
        tables = (hasDockerRules ? Self.docker : []) + more
        policy = text.flatMap { text in
            ResolvedPolicy.load(path: "policy.yaml", files: SourceFiles { _, _ in .success(Array(text.utf8)) }).policy
        }
    }

    static let docker = [
        HostTable(
            family: .ip, name: "nat",
            chains: [
                HostChain(
                    name: "PREROUTING", base: .init(type: "nat", hook: .prerouting, priority: -100),
                    rules: [
                        HostRule(
                            handle: 1,
                            [
                                .loadFIB(result: 3, flags: 2, into: 0), .compare(0, operation: 0, [2, 0, 0, 0]),
                                .loadPayload(base: 2, offset: 2, length: 2, into: 0),
                                .compare(0, operation: 0, [0x1f, 0x91]),
                                .xtablesTarget(.destinationNAT(address: [172, 17, 0, 2], port: 80)),
                            ])
                    ])
            ]),
        HostTable(
            family: .ip, name: "filter",
            chains: [
                HostChain(
                    name: "FORWARD", base: .init(type: "filter", hook: .forward, priority: 0, dropsByDefault: true),
                    rules: [
                        HostRule(
                            handle: 2,
                            [
                                .loadPayload(base: 2, offset: 2, length: 2, into: 0),
                                .compare(0, operation: 0, [0, 80]),
                                .verdict(.accept),
                            ])
                    ])
            ]),
    ]

    /// A chain of ours, or of anybody's, before Docker's.
    static func guarding(_ hook: HostChain.Base.Hook, _ rules: [[Instruction]], table: String = "guard") -> HostTable {
        HostTable(
            family: .inet, name: table,
            chains: [
                HostChain(
                    name: "\(hook)", base: .init(type: "filter", hook: hook, priority: -10),
                    rules: rules.enumerated().map { HostRule(handle: UInt64($0.offset + 1), $0.element) })
            ])
    }

    static func from(_ address: [UInt8]) -> [Instruction] {
        [
            .loadMeta(15, into: 0), .compare(0, operation: 0, [2]),
            .loadPayload(base: 1, offset: 12, length: 4, into: 0), .compare(0, operation: 0, address),
        ]
    }

    var report: AuditReport {
        let forwards: Set<AddressFamily> = [.ipv4, .ipv6]
        return AuditReport(
            Subject(
                rules: HostRuleset(generation: 1, tables: tables),
                topology: Topology(
                    links: [
                        .init(
                            name: "ext0", index: 2,
                            addresses: ["192.0.2.1", "2001:db8:1::1"].compactMap(IPAddress.init),
                            forwards: forwards),
                        .init(
                            name: "docker0", index: 3, addresses: ["172.17.0.1"].compactMap(IPAddress.init),
                            forwards: forwards),
                    ], routes: [.init(.v4(0xac11_0000...0xac11_ffff), interface: "docker0")]),
                listeners: listeners, inventory: inventory, policy: policy, table: condition, installation: installation
            ))
    }
}

extension AuditReport {
    func entrances(_ path: Path, _ port: UInt16?) -> [Entrance] {
        entrances.filter { $0.door.path == path && $0.door.port == port }
    }

    var codes: [FindingCode] { findings.map(\.code) }
}
