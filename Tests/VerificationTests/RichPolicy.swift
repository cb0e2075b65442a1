import Addressing
import Docker
import Policy
import Testing

/// A policy that has everything in it that a policy can have without asking Docker.
enum RichPolicy {
    static let text = """
        version: 1
        groups:
          office: [203.0.113.0/26, 203.0.113.200-203.0.113.210, "2001:db8:10::/64"]
          partners: [198.51.100.128/26, "2001:db8:20:1::/64"]
          staff: [office, partners, 192.0.2.210]
          banned: [203.0.113.3, 198.51.100.131, "2001:db8:10::bad"]
        services:
          wiki:
            publish: [8001, 8001/udp]
            allow: [staff, 192.0.2.166]
            except: banned
          open:
            publish: [8003, 443/udp]
            allow: anyone
            except: [banned, 192.0.2.166]
          site:
            publish: [80, 443]
            allow: anyone
          ports:
            publish: 7000-7005
            allow: 203.0.113.0/26
          more:
            publish: 7004-7009
            allow: [203.0.113.70, "2001:db8:20:1::/64"]
          pinned:
            publish: [8082, 8082/udp]
            on: [192.0.2.201, "2001:db8:1::c9"]
            allow: [203.0.113.0/24, "2001:db8:10::/48"]
          internal:
            publish: [8083, 8083/udp]
            interfaces: [ext1, "wg*"]
            allow: [198.51.100.0/24, "2001:db8:20::/48"]
          postgres:
            publish: 5432
            allow: nobody
          monitoring:
            publish: any
            allow: 192.0.2.210
        host:
          services:
            ssh:  { port: 22, allow: staff, except: 203.0.113.13 }
            dns:  { port: [53/tcp, 53/udp], allow: anyone }
            ping: { icmp: echo-request, allow: [staff, 198.51.100.10] }
          otherwise: drop
        """

    static func policy(_ text: String = text, _ inventory: Inventory = Inventory()) throws -> ResolvedPolicy {
        let loaded = ResolvedPolicy.load(
            path: "policy.yaml", files: .inMemory(["policy.yaml": Array(text.utf8)]))
        return try #require(
            loaded.resolved(against: inventory).policy, "\(loaded.diagnostics.map { "\($0)" }.joined())")
    }
}

/// One that Docker was asked for: containers on a routed network, a port that no service names. Refusals are told.
enum DockerPolicy {
    static let text = """
        version: 1
        services:
          web:
            publish: [8080, 8080/udp]
            allow: [203.0.113.7, "2001:db8:10::7"]
          api:
            container: api
            allow: [203.0.113.0/28, "2001:db8:10::/64"]
          inner:
            publish: 8443
            on: 192.0.2.201
            allow: 203.0.113.0/24
        unlisted: reject
        refuse: reject
        """

    static let inventory = Inventory(
        containers: [
            Container(
                id: "1", name: "api",
                attachments: [
                    Attachment(
                        network: "rt", ipv4: IPv4Address(0xac1c_0002), ipv6: IPv6Address(0x2001_0db8_0007 << 80 | 2))
                ],
                publishedPorts: [PortRange(.tcp, 80...80), PortRange(.udp, 80...80)]),
            Container(
                id: "2", name: "forgotten",
                bindings: [
                    Binding(
                        hostAddress: .v4(IPv4Address(0)), hostPort: 6379, transport: .tcp, containerPort: 6379),
                    Binding(
                        hostAddress: .v6(IPv6Address(0)), hostPort: 6379, transport: .tcp, containerPort: 6379),
                ]),
        ],
        networks: [
            Network(
                id: "rt", name: "rt", bridge: try? InterfaceName("br-rt"), gatewayMode4: .routed,
                gatewayMode6: .routed)
        ])

    static func policy() throws -> ResolvedPolicy { try RichPolicy.policy(text, inventory) }
}

/// One whose external interfaces are a list.
enum ListedPolicy {
    static let text = """
        version: 1
        interfaces: { external: [ens3, ens4, "ppp*"] }
        services:
          web:
            publish: [8080, 8080/udp]
            allow: [203.0.113.7, "2001:db8:10::7"]
        host:
          services:
            ssh: { port: 22, allow: 203.0.113.7 }
          otherwise: drop
        """

    static func policy() throws -> ResolvedPolicy { try RichPolicy.policy(text) }
}
