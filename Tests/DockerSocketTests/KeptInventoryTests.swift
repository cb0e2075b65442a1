import Addressing
import Docker
import Foundation
import State
import Testing

@Suite struct `An inventory that is kept` {
    static let full = Inventory(
        containers: [
            Container(
                id: "c1", name: "web", labels: ["com.docker.compose.project": "shop", "": "\u{0}é"],
                usesHostNetwork: true,
                attachments: [
                    Attachment(network: "n1", ipv4: IPv4Address(0xc000_0232), ipv6: IPv6Address(0x2001_0db8 << 96 | 5)),
                    Attachment(network: "n2"),
                ],
                bindings: [
                    Binding(hostAddress: .v4(IPv4Address(0)), hostPort: 8081, transport: .tcp, containerPort: 80),
                    Binding(hostAddress: .v6(IPv6Address(0)), hostPort: 65535, transport: .sctp, containerPort: 1),
                ],
                publishedPorts: [PortRange(.udp, 1...65535)])
        ],
        networks: [
            Network(
                id: "n1", name: "front", bridge: try? InterfaceName("docker0"), gatewayMode4: .routed,
                gatewayMode6: .natUnprotected,
                subnets: [.v4(0xc000_0200...0xc000_02ff), .v6(0...UInt128.max)], isInternal: true),
            Network(id: "n2", name: "wire", driver: .macvlan, parent: try? InterfaceName("ext0")),
            Network(id: "n3", name: "odd", driver: .other("weave")),
        ], isInSwarm: true)

    static func directory() -> RuntimeDirectory {
        RuntimeDirectory(path: "\(FileManager.default.temporaryDirectory.path)/dockernft-\(UUID().uuidString)/below")
    }

    @Test func `comes back as it was, and in the same bytes`() throws {
        let directory = Self.directory()
        defer { try? FileManager.default.removeItem(atPath: directory.path) }
        #expect(directory.inventory(namespace: 7) == nil)
        try directory.keep(Self.full, namespace: 7)
        #expect(directory.inventory(namespace: 7) == Self.full)
        #expect(directory.inventory(namespace: 8) == nil)
        #expect(Inventory(bytes: Inventory().encoded()) == Inventory())
        #expect(Inventory(bytes: Self.full.encoded())?.encoded() == Self.full.encoded())
        directory.forget(namespace: 7)
        #expect(directory.inventory(namespace: 7) == nil)
    }

    @Test func `is none when its file is damaged`() throws {
        let text = String(decoding: Self.full.encoded(), as: UTF8.self)
        #expect(Inventory(bytes: Array(text.utf8)) != nil)
        for length in stride(from: 0, to: text.utf8.count, by: 7) {
            #expect(Inventory(bytes: Array(text.utf8.prefix(length))) == nil)
        }
        for (right, wrong) in [
            ("\"version\":1", "\"version\":2"), ("0.0.0.0", "0.0.0.256"), ("\"sctp\"", "\"icmp\""),
            ("routed", "rooted"),
            ("docker0", "docker0123456789"), ("\"last\":65535", "\"last\":0"), ("192.0.2.50", ""), ("65535", "65536"),
        ] {
            #expect(text.contains(right))
            #expect(Inventory(bytes: Array(text.replacing(right, with: wrong).utf8)) == nil, "\(wrong)")
        }
    }
}
