import Addressing
import Foundation
import TestSupport
import Testing

/// A node of a swarm as the host's stack has it: `docker_gwbridge`, on it the sandbox of the routing mesh and a task with a
/// port in `mode=host`, and the rules of `nft/docker/swarm-ingress`. The mesh itself, IPVS and VXLAN, is not played: the
/// sandbox answers in the place of a task on some node.
struct SwarmNode {
    let host: DockerHost
    let installation: Installation

    /// Of the other nodes, which `policyForPeers` lets in.
    static let peer4 = "203.0.113.128"
    static let peer6 = "2001:db8:10:2::5"

    static let policy = """
        version: 1
        groups:
          office: [203.0.113.0/28, "2001:db8:10::/64"]
        services:
          site: { publish: [8080, 8080/udp], allow: office }
          task: { publish: [8090, 8090/udp], allow: office }

        """

    static let policyForPeers =
        policy + """
            host:
              services:
                swarm: { port: [2377, 7946, 7946/udp, 4789/udp], allow: [\(peer4), "\(peer6)"] }

            """

    /// In ingress mode the port is the same on both sides. `8199` is published, and in no policy.
    private static let containers = [
        Container("ingress", on: gateway, listening: ["8080", "8080/udp", "8199"]),
        Container("task", on: gateway, listening: ["80", "80/udp"]),
    ]
    private static let gateway = Bridge("docker_gwbridge", "172.18.0.0/16")

    /// What a node's daemon and kernel listen on for the other nodes.
    static let peering: [(port: UInt16, transport: TransportProtocol)] = [
        (2377, .tcp), (7946, .tcp), (7946, .udp), (4789, .udp),
    ]

    /// `policy` nil: as Docker leaves it.
    static func with(policy: String?, _ body: (SwarmNode) throws -> Void) throws {
        try DockerHost.with(nil, containers) { host in
            try Installation.with(host.namespace) { installation in
                if let policy { try installation.apply(policy) }
                try host.run("iptables-nft-restore", input: try rules()).orThrow()
                for (port, transport) in peering { try host.serve("dockerd", at: .host, on: port, [transport]) }
                try body(SwarmNode(host: host, installation: installation))
            }
        }
    }

    private static func rules() throws -> String {
        let root = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../..")
        return try String(
            contentsOf: root.appending(path: "nft/docker/swarm-ingress/iptables-save"), encoding: .utf8)
    }

    /// Whoever has access, and whoever has none, over each protocol.
    func expect(
        allowed: Outcome, refused: Outcome, at destination: String, over kinds: [Probe.Kind] = [.tcp, .udp]
    ) throws {
        try host.expect(
            kinds.flatMap { kind in
                [
                    Probe(kind, from: Office.allowed4, to: destination, expect: allowed),
                    Probe(kind, from: Office.refused4, to: destination, expect: refused),
                ]
            })
    }

    /// Every port between nodes, over both families.
    func expectPeering(from source4: String, _ source6: String, _ outcome: Outcome) throws {
        try host.expect(
            Self.peering.flatMap { port, transport in
                let kind: Probe.Kind = transport == .udp ? .udp : .tcp
                return [
                    Probe(kind, from: source4, to: "192.0.2.1", port: port, expect: outcome),
                    Probe(kind, from: source6, to: "2001:db8:1::1", port: port, expect: outcome),
                ]
            })
    }
}
