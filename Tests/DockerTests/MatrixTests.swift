import Testing

@testable import MatrixSupport
@testable import TestSupport

extension `A real Docker` {
    @Suite struct `on every path` {
        @Test(arguments: Mode.allCases)
        func `is as the policy says, for everybody, also when its NAT is flushed`(mode: Mode) throws {
            let estate = try Estate(hasGatewayModes: false)
            try with(mode, estate) { docker, installation in
                let host = docker.host
                try expect(mode, "", estate, docker, installation)
                guard mode.hasNAT else { return }
                // As anybody may do while we are in force.
                try host.run("iptables", "-t", "nat", "-F").orThrow()
                try host.run("ip6tables", "-t", "nat", "-F").orThrow()
                try host.run("conntrack", "-F").orThrow()
                try expect(mode, ", NAT flushed", estate, docker, installation)
            }
        }

        private func expect(
            _ mode: Mode, _ event: String, _ estate: Estate, _ docker: RealDocker,
            _ installation: Installation
        ) throws {
            let host = docker.host
            try installation.run("remove", "--yes").orThrow()
            try host.run("conntrack", "-F").orThrow()
            let inspection = try Inspection(host, estate, docker.enter)
            for form in Form.allCases {
                try installation.write(estate.policy(form))
                try installation.run("apply", "--docker", form.knowsDocker ? docker.socket : "none").orThrow()
                try inspection.expect(form, "\(mode)\(event)")
            }
        }

        /// The host of the matrix, with its containers running.
        private func with(_ mode: Mode, _ estate: Estate, _ body: (RealDocker, Installation) throws -> Void) throws {
            try DockerHost.with { host in
                try Installation.with(host.namespace) { installation in
                    try RealDocker.with(on: host, mode.flags) { docker in
                        for bridge in [Bridge.user, .dual, .isolated] { try docker.createNetwork(bridge) }
                        for attachment in estate.attachments {
                            let container = attachment.container
                            try docker.run(container, serving: .bench)
                            #expect(try docker.address(of: container.name) == attachment.address4)
                        }
                        for (name, port) in Estate.hostPorts {
                            try docker.run(
                                Container(name, listening: ["\(port)", "\(port)/udp"]), serving: .bench,
                                options: ["--network", "host"])
                        }
                        try runOnTheWire(docker)
                        try Estate.prepare(host)
                        try body(docker, installation)
                    }
                }
            }
        }

        private func runOnTheWire(_ docker: RealDocker) throws {
            try docker.docker(
                "network", "create", "-d", "macvlan", "-o", "parent=\(Estate.wireParent)", "--ipv6", "--subnet",
                "192.0.2.0/24", "--gateway", "192.0.2.10", "--subnet", "2001:db8:1::/64", "--gateway", "2001:db8:1::10",
                Estate.wireNetwork)
            for container in Estate.onTheWire {
                try docker.run(
                    Container(container.name, listening: Estate.wirePorts.flatMap { ["\($0)", "\($0)/udp"] }),
                    serving: .bench,
                    options: [
                        "--network", Estate.wireNetwork, "--ip", container.address4, "--ip6", container.address6,
                    ])
            }
        }
    }
}
