import Glibc
import Testing

@testable import TestSupport

@Suite(.serialized, .requiresPackets) struct `A node of a swarm` {
    /// What the refusals below are to be measured by.
    @Test func `is open to everybody without a policy`() throws {
        try SwarmNode.with(policy: nil) { node in
            for destination in ["192.0.2.1:8080", "198.51.100.1:8080"] {
                try node.expect(
                    allowed: .answered(by: "ingress"), refused: .answered(by: "ingress"), at: destination)
            }
            try node.expect(
                allowed: .answered(by: "ingress"), refused: .answered(by: "ingress"), at: "192.0.2.1:8199", over: [.tcp]
            )
            try node.expect(allowed: .answered(by: "task"), refused: .answered(by: "task"), at: "192.0.2.1:8090")
            try node.expectPeering(from: Office.refused4, Office.refused6, .answered(by: "dockerd"))
        }
    }

    @Test func `judges a port of the routing mesh as any other`() throws {
        try SwarmNode.with(policy: SwarmNode.policy) { node in
            for destination in ["192.0.2.1:8080", "198.51.100.1:8080", "172.18.0.1:8080"] {
                try node.expect(allowed: .answered(by: "ingress"), refused: .silent, at: destination)
            }
            // Unlisted, and the sandbox at its own address.
            try node.expect(allowed: .silent, refused: .silent, at: "192.0.2.1:8199", over: [.tcp])
            try node.expect(allowed: .silent, refused: .silent, at: "172.18.0.2:8080")
        }
    }

    /// Docker's DOCKER-USER comes before its DOCKER-INGRESS.
    @Test func `judges a port of the routing mesh in the form for DOCKER-USER too`() throws {
        try SwarmNode.with(policy: nil) { node in
            try node.installation.write(SwarmNode.policy)
            let rules = try node.installation.run("compile", "--format", "iptables", "--family", "ipv4").orThrow()
            try node.host.run("iptables-nft-restore", "--noflush", input: rules).orThrow()
            try node.expect(allowed: .answered(by: "ingress"), refused: .silent, at: "192.0.2.1:8080")
            try node.expect(allowed: .silent, refused: .silent, at: "192.0.2.1:8199", over: [.tcp])
            try node.expect(allowed: .answered(by: "task"), refused: .silent, at: "192.0.2.1:8090")
        }
    }

    @Test func `judges a port in mode=host as any other`() throws {
        try SwarmNode.with(policy: SwarmNode.policy) { node in
            try node.expect(allowed: .answered(by: "task"), refused: .silent, at: "192.0.2.1:8090")
            try node.expect(allowed: .silent, refused: .silent, at: "172.18.0.3:80")
        }
    }

    /// dockerd reserves a port of the mesh by listening on it, over both families, and never accepts.
    @Test func `shows nobody the socket that holds a port, who is not on the list`() throws {
        try SwarmNode.with(policy: SwarmNode.policy) { node in
            let holder = try node.host.namespace.enter {
                let socket = try Socket(family: AF_INET6, type: SOCK_STREAM)
                guard socket.bind(to: try SocketAddress("::", port: 8080)) == 0 else {
                    throw BenchError("8080 is taken")
                }
                try socket.listen()
                return socket
            }
            try withExtendedLifetime(holder) {
                try node.host.expect([
                    Probe(from: Office.allowed6, to: "[2001:db8:1::1]:8080", expect: .connected),
                    Probe(from: Office.refused6, to: "[2001:db8:1::1]:8080", expect: .silent),
                ])
                try node.installation.nft("delete", "table", "inet", "dockernft")
                try node.host.expect([
                    Probe(from: Office.refused6, to: "[2001:db8:1::1]:8080", expect: .connected)
                ])
            }
        }
    }

    @Test func `is left to its peers where the policy says nothing of the host`() throws {
        try SwarmNode.with(policy: SwarmNode.policy) { node in
            try node.expectPeering(from: Office.refused4, Office.refused6, .answered(by: "dockerd"))
        }
    }

    @Test func `talks to its peers alone where the policy names them`() throws {
        try SwarmNode.with(policy: SwarmNode.policyForPeers) { node in
            try node.expectPeering(from: SwarmNode.peer4, SwarmNode.peer6, .answered(by: "dockerd"))
            try node.expectPeering(from: Office.refused4, Office.refused6, .silent)
            // Not even who may use what is published.
            try node.expectPeering(from: Office.allowed4, Office.allowed6, .silent)
        }
    }

    @Test func `reaches its own ports, and its tasks the world, as before`() throws {
        try SwarmNode.with(policy: SwarmNode.policyForPeers) { node in
            try node.host.serve("internet", at: .otherClient, on: 8080)
            let task = try node.host.address(of: "task")
            try node.host.expect([
                Probe(from: "192.0.2.1", to: "192.0.2.1:8080", at: .host, expect: .answered(by: "ingress")),
                Probe(from: task, to: "198.51.100.140:8080", at: .container("task"), expect: .answered(by: "internet")),
                Probe(
                    .udp, from: task, to: "198.51.100.140:8080", at: .container("task"),
                    expect: .answered(by: "internet")),
            ])
        }
    }
}
