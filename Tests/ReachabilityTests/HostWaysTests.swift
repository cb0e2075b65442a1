import Addressing
import HostRules
import NftablesKernel
import TestSupport
import Testing

@Suite struct `Which interface leads to an address` {
    private func address(_ text: String) throws -> IPAddress { try #require(IPAddress(text)) }

    @Test(.requires(.root, .program("ip"), .nft)) func `as the kernel says of a Docker host`() throws {
        let containers = [Container("web", on: .dual)]
        try DockerHost.with(nil, containers) { host in
            try host.run("ip", "route", "add", "203.0.113.128/25", "dev", "ext1", "metric", "7").orThrow()
            try host.run("ip", "route", "add", "203.0.113.128/25", "dev", "ext0", "metric", "8").orThrow()
            let ways = HostWays(try HostNetwork.read(namespace: host.namespace.path))
            for (text, interface) in [
                ("192.0.2.10", "ext0"), ("203.0.113.9", "ext0"), ("203.0.113.200", "ext1"), ("198.51.100.200", "ext1"),
                ("233.252.0.1", "ext0"), ("172.31.0.2", "br-n6"), ("2001:db8:1::10", "ext0"),
                ("2001:db8:20:5::1", "ext1"), ("2001:db8:6::2", "br-n6"), ("2001:db8:ffff::1", "ext0"),
            ] {
                #expect(ways.interfaces(towards: try address(text)) == [interface], "\(text)")
                let said = try host.run("ip", "route", "get", text).output.split(separator: " ").map(String.init)
                #expect(said.contains(interface), "\(said)")
            }
            #expect(ways.interfaces(towards: try address("fe80::10")).contains("ext1"))
            #expect(ways.interfaces(towards: try address("fe80::10")).contains("ext0"))
            for text in ["192.0.2.1", "127.9.9.9", "::1", "2001:db8:2::1", "172.31.0.1"] {
                #expect(ways.isLocal(try address(text)), "\(text)")
            }
            for text in ["192.0.2.2", "2001:db8:2::2", "172.31.0.2"] {
                #expect(!ways.isLocal(try address(text)), "\(text)")
            }
        }
    }

    @Test func `without a route none, and of a family only its own`() throws {
        let network = HostNetwork(
            interfaces: [HostInterface(index: 3, name: "ext0")],
            routes: [
                HostRoute(destination: [0, 0, 0, 0], prefixLength: 0, type: 1, table: 254, interface: 3),
                HostRoute(destination: [10, 0, 0, 0], prefixLength: 8, type: 1, table: 7, interface: 3),
            ])
        let ways = HostWays(network)
        #expect(ways.interfaces(towards: try address("10.1.2.3")) == ["ext0"])
        #expect(ways.interfaces(towards: try address("2001:db8::1")).isEmpty)
    }
}
