import Addressing
import Docker
import DockerSocket
import Testing

/// Answers in the shape that the API's documentation gives for Docker 26 to 29. They are written after it, not recorded: the only engine
/// here that can be asked is 20.10.
@Suite struct `A newer engine` {
    private static let containers = """
        [{"Id":"aa11","Names":["/web"],"Labels":{"tier":"front"},"State":"running",
          "Ports":[{"IP":"0.0.0.0","PrivatePort":80,"PublicPort":8081,"Type":"tcp"},
                   {"IP":"::","PrivatePort":80,"PublicPort":8081,"Type":"tcp"},{"PrivatePort":9000,"Type":"tcp"}],
          "HostConfig":{"NetworkMode":"bridge"},
          "NetworkSettings":{"Networks":{"bridge":{"NetworkID":"n0","IPAddress":"172.17.0.2","IPPrefixLen":16,
            "GlobalIPv6Address":"","MacAddress":"02:42:ac:11:00:02","DNSNames":null,"GwPriority":0}}}},
         {"Id":"bb22","Names":["/api"],"Labels":null,"State":"running","Ports":[{"PrivatePort":443,"Type":"tcp"}],
          "HostConfig":{"NetworkMode":"routed"},
          "NetworkSettings":{"Networks":{"routed":{"NetworkID":"n1","IPAddress":"172.20.0.2",
            "GlobalIPv6Address":"2001:db8:6::2"}}}}]
        """
    /// What the list does not say of a container that is reached by its own port.
    private static let inspected = """
        {"Id":"bb22","Name":"/api","Config":{"Labels":null},
         "HostConfig":{"NetworkMode":"routed","PortBindings":{"443/tcp":[{"HostIp":"","HostPort":"8443"}]}},
         "NetworkSettings":{"Ports":{"443/tcp":[]},"Networks":{"routed":{"NetworkID":"n1","IPAddress":"172.20.0.2"}}}}
        """
    private static let networks = """
        [{"Id":"n0","Name":"bridge","Driver":"bridge","EnableIPv4":true,"EnableIPv6":false,"Internal":false,"Status":null,
          "IPAM":{"Driver":"default","Options":null,"Config":[{"Subnet":"172.17.0.0/16","Gateway":"172.17.0.1"}]},
          "Options":{"com.docker.network.bridge.name":"docker0"}},
         {"Id":"n1","Name":"routed","Driver":"bridge","EnableIPv6":true,
          "IPAM":{"Config":[{"Subnet":"172.20.0.0/16"},{"Subnet":"2001:db8:6::/64"}]},
          "Options":{"com.docker.network.bridge.gateway_mode_ipv4":"routed",
                     "com.docker.network.bridge.gateway_mode_ipv6":"nat-unprotected"}},
         {"Id":"n2","Name":"none","Driver":"null","IPAM":{"Config":null},"Options":null}]
        """

    /// 26 speaks 1.45, 28 1.51, 29 1.52 and later, and nothing before 1.44: it is asked for what both know.
    @Test(arguments: [("1.45", "1.45"), ("1.51", "1.51"), ("1.52", "1.52"), ("1.60", "1.52")])
    func `is asked for a version that both know, and understood`(theirs: String, asked: String) async throws {
        let root = "/v\(asked)"
        let replies = [
            "/_ping": ScriptedEngine.ping(theirs), "\(root)/containers/json": ScriptedEngine.json(Self.containers),
            "\(root)/containers/bb22/json": ScriptedEngine.json(Self.inspected),
            "\(root)/networks": ScriptedEngine.json(Self.networks),
            "\(root)/info": ScriptedEngine.json(
                #"{"Swarm":{"LocalNodeState":"inactive"},"FirewallBackend":{"Driver":"nftables"}}"#),
        ]
        let inventory = try await ScriptedEngine.with(replies) { try DockerSocket(path: $0.path).inventory() }
        let everywhere = try ["0.0.0.0", "::"].map { text in
            Binding(
                hostAddress: try #require(IPAddress(text)), hostPort: 8081, transport: .tcp, containerPort: 80)
        }
        let web = try #require(inventory.containers.first { $0.name == "web" })
        #expect(web.bindings == everywhere && web.labels == ["tier": "front"])
        #expect(web.attachments.map { "\($0.addresses)" } == ["[172.17.0.2]"])
        let api = try #require(inventory.containers.first { $0.name == "api" })
        #expect(api.bindings == [] && api.publishedPorts == [PortRange(.tcp, 443...443)])
        #expect(api.attachments.first?.ipv6?.description == "2001:db8:6::2")
        let routed = try #require(inventory.networks.first { $0.name == "routed" })
        #expect(routed.gatewayMode4 == .routed && routed.gatewayMode6 == .natUnprotected && routed.subnets.count == 2)
        #expect(inventory.networks.first { $0.name == "bridge" }?.bridge?.description == "docker0")
        #expect(!inventory.isInSwarm)
    }
}
