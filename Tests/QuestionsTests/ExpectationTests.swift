import Addressing
import Diagnostics
import Docker
import Foundation
import Policy
import Questions
import Testing

@Suite struct `A test of the policy` {
    private static let services = """
        groups:
          office: [203.0.113.0/24, "2001:db8:10::/48"]
        services:
          django: { publish: 8081, allow: [office, 192.0.2.7] }
          postgres: { publish: 5432, allow: nobody }
          site: { publish: 80, on: 192.0.2.1, allow: anyone }
          inner: { publish: 90, interfaces: eth1, allow: anyone }
        host:
          services:
            ssh: { port: 22, allow: office }

        """

    private static func result(_ line: String) throws -> String {
        try #require(Asked(services + "expect: [\"\(line)\"]").results.first)
    }

    @Test(arguments: [
        "allow office -> django", "allow 203.0.113.5 -> 8081", "deny 8.8.8.8 -> 5432/tcp", "deny anyone -> postgres",
        "nobody but office, 192.0.2.7 -> django", "nobody but office -> host:ssh",
        "allow anyone -> site", "deny anyone -> 192.0.2.2:80", "allow anyone -> 192.0.2.1:80", "allow anyone -> inner",
        "allow anyone -> host:23", "deny 2001:db8::1 -> site",
    ]) func `holds where all of its clients are as it says, by every way`(line: String) throws {
        #expect(try Self.result(line) == "holds")
    }

    @Test(arguments: [
        "deny office -> django", "allow 203.0.112.0/23 -> django", "deny 203.0.112.0/23 -> django",
        "nobody but office -> django", "nobody but office, 192.0.2.7, 8.8.8.8 -> django", "allow anyone -> 80",
        "deny anyone -> 80", "allow anyone -> 90", "deny anyone -> 90", "allow 2001:db8::1 -> site",
        "deny anyone -> host:22", "allow office -> 8081-8082", "deny 8.8.8.8 -> host:23",
    ]) func `fails where some of them are not, or by some way`(line: String) throws {
        #expect(try Self.result(line) == "fails")
    }

    @Test func `says for whom it does not hold, in both families`() throws {
        let all = try Asked(
            Self.services + "expect: [nobody but 203.0.113.0/25 -> django, allow anyone -> host:ssh]"
        ).failures
        #expect(all[0].kind == .isAllowed && all[0].clients.v4.ranges.map(\.text) == ["192.0.2.7", "203.0.113.128/25"])
        #expect(all[0].clients.v6.ranges.map(\.text) == ["2001:db8:10::/48"])
        #expect(all[1].kind == .isRefused && !all[1].clients.contains(.v4(IPv4Address(0xcb00_7105))))
        #expect(all[1].explanation.parts.first?.decisions.first?.source?.start.line == 11)
    }

    /// Cases whose packets are sent elsewhere: what is said of all addresses is said of the same rules.
    @Test(arguments: ["groups"]) func `holds in the case that it is written for`(name: String) throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../nft/cases/\(name)")
        var files: [String: [UInt8]] = [:]
        for file in ["policy.yaml", "partners.txt"] {
            files[file] = try Array(Data(contentsOf: root.appending(path: file)))
        }
        let asked = try Asked(ResolvedPolicy.load(path: "policy.yaml", files: .inMemory(files)))
        #expect(asked.results.count >= 3 && Set(asked.results) == ["holds"], "\(asked.failures)")
    }

    // MARK: What only Docker knows

    private static let selecting = """
        services:
          grafana: { container: grafana, allow: 203.0.113.0/24 }
          web: { publish: 80, allow: 192.0.2.7 }
        host: { otherwise: accept }
        expect:
          - allow 203.0.113.5 -> grafana
          - allow 203.0.113.5 -> 3000
          - allow 198.51.100.1 -> 3000
          - deny 203.0.113.5 -> 3000
          - allow 192.0.2.7 -> web
        """

    @Test func `is left open, where it depends on a service whose ports are not known`() throws {
        #expect(try Asked(Self.selecting).results == ["untested", "untested", "fails", "untested", "holds"])
    }

    @Test func `is run once its container is known`() throws {
        let binding = Binding(
            hostAddress: .v4(IPv4Address(0)), hostPort: 3000, transport: .tcp, containerPort: 80)
        let inventory = Inventory(containers: [Container(id: "1", name: "grafana", bindings: [binding])])
        #expect(try Asked(Self.selecting, inventory).results == ["holds", "holds", "fails", "fails", "holds"])
    }

    @Test func `of docker-proxy counts where Docker publishes the port`() throws {
        let text = "unlisted: drop\nexpect: [deny anyone -> 3000]"
        let binding = Binding(
            hostAddress: .v4(IPv4Address(0)), hostPort: 3000, transport: .tcp, containerPort: 80)
        let inventory = Inventory(containers: [Container(id: "1", name: "grafana", bindings: [binding])])
        #expect(try Asked(text, inventory).results == ["holds"])
        #expect(try Asked("unlisted: accept\nexpect: [deny anyone -> 3000]", inventory).results == ["fails"])
        let paths = try Asked(text, inventory).explain("8.8.8.8", "3000").parts.flatMap { $0.ways.map(\.path) }
        #expect(paths == [.published, .proxy])
    }

    @Test func `of a container's own address is judged there`() throws {
        let network = Network(
            id: "n", name: "routed", bridge: try InterfaceName("br-1"), gatewayMode4: .routed)
        let container = Container(
            id: "1", name: "grafana", attachments: [Attachment(network: "n", ipv4: IPv4Address(0xac1c_0002))],
            publishedPorts: [PortRange(.tcp, 80...80)])
        let inventory = Inventory(containers: [container], networks: [network])
        let asked = try Asked(
            """
            services:
              grafana: { container: grafana, allow: 203.0.113.0/24 }
            expect:
              - nobody but 203.0.113.0/24 -> grafana
              - nobody but 203.0.113.0/24 -> 172.28.0.2:80
              - deny anyone -> 172.28.0.2:81
            """, inventory)
        #expect(asked.results == ["holds", "holds", "holds"])
        #expect(try asked.explain("203.0.113.1", "grafana").parts.map { $0.ways.map(\.path) } == [[.direct]])
    }

    @Test func `of a container on the wire is judged where its packets come in`() throws {
        let network = Network(id: "n", name: "lan", driver: .macvlan, parent: try InterfaceName("eth0"))
        let container = Container(
            id: "1", name: "grafana", attachments: [Attachment(network: "n", ipv4: IPv4Address(0xc000_0232))],
            publishedPorts: [PortRange(.tcp, 80...80)])
        let asked = try Asked(
            """
            services:
              grafana: { container: grafana, allow: 203.0.113.0/24 }
            expect: [nobody but 203.0.113.0/24 -> grafana, deny anyone -> 192.0.2.50:81]
            """, Inventory(containers: [container], networks: [network]))
        #expect(asked.results == ["holds", "holds"])
        #expect(try asked.explain("203.0.113.1", "grafana").parts.map { $0.ways.map(\.path) } == [[.wire]])
    }

    /// What comes in there is trusted, whatever the service says.
    @Test func `of a service is asked of its interfaces that are not external, too`() throws {
        let asked = try Asked(
            """
            interfaces: { external: [eth0] }
            services:
              web: { publish: 80, interfaces: eth1, allow: nobody }
              api: { publish: 81, interfaces: "eth*", allow: nobody }
            expect: [deny anyone -> web, deny anyone -> api, allow anyone -> web]
            """)
        #expect(asked.results == ["fails", "fails", "holds"])
        let ways = try asked.explain("8.8.8.8", "web").parts.flatMap(\.ways)
        #expect(Set(ways.map(\.interfaces)) == [["eth1"]])
    }
}
