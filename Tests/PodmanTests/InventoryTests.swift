import Addressing
import Docker
import DockerSocket
import TestSupport
import Testing

extension `A real Podman` {
    /// In Docker's form it leaves out what a policy needs: all ports of a range but the first, and the bridges' names.
    @Test func `tells over its socket what it runs, as Docker does`() throws {
        try DockerHost.with { host in
            try RealPodman.with(on: host) { podman in
                try podman.createNetwork(.podman1)
                try podman.run(
                    TestSupport.Container("web", on: .podman0, publish: ["8081:80", "8081:80/udp"]),
                    options: ["--label", "a=b"])
                try podman.run(
                    TestSupport.Container("both", on: .podman1, publish: ["192.0.2.1:8082:80", "7000-7002:7000-7002"]))
                let inventory = try podman.service { try DockerSocket(path: $0).inventory() }
                let web = try #require(inventory.containers.first { $0.name == "web" })
                let both = try #require(inventory.containers.first { $0.name == "both" })
                #expect(inventory.containers.count == 2)
                #expect(web.labels["a"] == "b")
                #expect(web.bindings == (try everywhere(8081, 80, .tcp) + everywhere(8081, 80, .udp)).sorted())
                let pinned = Binding(
                    hostAddress: try #require(IPAddress("192.0.2.1")), hostPort: 8082, transport: .tcp,
                    containerPort: 80)
                let range = try [7000, 7001, 7002].flatMap { try everywhere($0, $0, .tcp) }
                #expect(both.bindings == (range + [pinned]).sorted())
                #expect(inventory.network(of: web)?.bridge.map(String.init(describing:)) == "podman0")
                #expect(inventory.network(of: both)?.bridge.map(String.init(describing:)) == "podman1")
                #expect(both.attachments.first?.addresses.last == IPAddress(try podman.address(of: "both", .ipv6)))
            }
        }
    }

    private func everywhere(
        _ hostPort: UInt16, _ port: UInt16, _ transport: TransportProtocol
    ) throws -> [Binding] {
        try ["0.0.0.0", "::"].map {
            Binding(
                hostAddress: try #require(IPAddress($0)), hostPort: hostPort, transport: transport, containerPort: port)
        }
    }
}

extension Inventory {
    fileprivate func network(of container: Docker.Container) -> Network? {
        container.attachments.first.flatMap { network(id: $0.network) }
    }
}
