import Addressing
import Diagnostics
import Docker
import Policy
import Questions
import Testing

@Suite struct `A question to a policy` {
    private static let policy = """
        groups:
          office: [203.0.113.0/24, "2001:db8:10::/48"]
        services:
          django:
            publish: 8081
            allow: [office, 192.0.2.7]
            except: 203.0.113.66
          site: { publish: 80, on: 192.0.2.1, interfaces: eth0, allow: anyone }
          grafana: { container: grafana, allow: office }
        host:
          services:
            ssh: { port: 22, allow: office }
          otherwise: drop
        """

    @Test(arguments: [
        ("203.0.113.5", "django", Explanation.Verdict.allowed), ("office", "django", .differs),
        ("203.0.113.66", "8081", .refused), ("198.51.100.1", "8081/tcp", .refused), ("192.0.2.7", "8081", .allowed),
        ("2001:db8:10::1", "django", .allowed), ("2001:db8:11::1", "8081", .refused), ("anyone", "8081/udp", .refused),
        ("anyone", "site", .allowed), ("203.0.113.5", "192.0.2.1:80", .differs),
        ("203.0.113.5", "192.0.2.2:80", .refused),
        ("office", "host:22", .allowed), ("office", "host:ssh", .allowed), ("8.8.8.8", "host:ssh", .refused),
        ("office", "host:23", .refused), ("203.0.113.5, 192.0.2.7", "8080-8082", .differs),
        ("office", "grafana", .unknown),
    ]) func `is answered by its rules`(from: String, to: String, verdict: Explanation.Verdict) throws {
        #expect(try Asked(Self.policy).verdict(from, to) == verdict)
    }

    @Test func `is divided into those who get in and those who do not`() throws {
        let parts = try Asked(Self.policy).explain("203.0.113.0/24", "django").parts
        #expect(parts.map(\.isAllowed) == [false, true])
        #expect(parts[0].clients.v4.ranges.map(\.text) == ["203.0.113.66"])
        #expect(parts[1].clients.v4.ranges.map(\.text) == ["203.0.113.0-203.0.113.65", "203.0.113.67-203.0.113.255"])
        #expect(parts[0].ways.map(\.path) == [.published, .proxy])
        #expect(parts[0].ways.allSatisfy { $0.interfaces == [] && $0.bridges == [] && $0.address == nil })
    }

    @Test func `names the interfaces that it is about, where not all are alike`() throws {
        let parts = try Asked(Self.policy).explain("203.0.113.5", "192.0.2.1:80").parts
        #expect(parts.map { $0.ways[0].interfaces } == [["other"], ["eth0"]])
        #expect(try Asked(Self.policy, interface: "eth0").verdict("203.0.113.5", "192.0.2.1:80") == .allowed)
        #expect(try Asked(Self.policy, interface: "eth1").verdict("203.0.113.5", "192.0.2.1:80") == .refused)
        #expect(try Asked(Self.policy, interface: "lo").verdict("8.8.8.8", "8081") == .allowed)
    }

    @Test func `gets the line that decides, and what to write for the other answer`() throws {
        let asked = try Asked(Self.policy)
        func decision(_ from: String, _ to: String) throws -> Decision {
            try #require(asked.explain(from, to).parts.first?.decisions.first)
        }
        let refused = try decision("8.8.8.8", "8081")
        #expect(refused.source?.start.line == 5 && refused.chain == "service-django")
        guard case .addToAllow("django", let place) = refused.change else {
            Issue.record("\(String(describing: refused.change))")
            return
        }
        #expect(place.start.line == 7)
        guard case .removeFromExcept("django", let exception) = try decision("203.0.113.66", "8081").change else {
            Issue.record("the exception is not named")
            return
        }
        #expect(exception.start.line == 8)
        guard case .removeFromGroup("office", let group, "django") = try decision("203.0.113.5", "8081").change else {
            Issue.record("the group is not named")
            return
        }
        #expect(group.start.line == 3)
        guard case .removeFromAllow("django", _) = try decision("192.0.2.7", "8081").change,
            case .addToExcept("site", _) = try decision("8.8.8.8", "site").change,
            case .nameThePort = try decision("8.8.8.8", "9000").change,
            case .nameThePortOfTheHost = try decision("8.8.8.8", "host:9000").change
        else {
            Issue.record("another advice")
            return
        }
    }

    @Test func `that is refused with a word is decided by who sent it there`() throws {
        let asked = try Asked("refuse: reject\nservices:\n  web: { publish: 80, allow: 192.0.2.7 }")
        let decision = try #require(asked.explain("8.8.8.8", "80").parts.first?.decisions.first)
        #expect(decision.chain == "service-web" && decision.source?.start.line == 4)
    }

    @Test func `of a container is one of all that it publishes`() throws {
        let inventory = Inventory(containers: [
            Container(
                id: "1", name: "grafana",
                bindings: [
                    Binding(
                        hostAddress: .v4(IPv4Address(0)), hostPort: 3000, transport: .tcp, containerPort: 80),
                    Binding(
                        hostAddress: .v6(IPv6Address(0)), hostPort: 3000, transport: .tcp, containerPort: 80),
                ]),
            Container(id: "2", name: "quiet"), Container(id: "3", name: "loud", usesHostNetwork: true),
        ])
        let asked = try Asked(Self.policy, inventory)
        #expect(try asked.verdict("office", "grafana") == .allowed)
        #expect(try asked.verdict("8.8.8.8", "grafana") == .refused)
        #expect(try asked.explain("office", "quiet").obstacle == .publishesNothing(container: "quiet"))
        #expect(try asked.explain("office", "loud").obstacle == .hostNetwork(container: "loud"))
        #expect(
            asked.policy.question(from: "office", to: "grafna").diagnostics.first?.help == "did you mean `grafana`?")
    }

    @Test func `that nobody can read is told where it is wrong`() throws {
        let policy = try Asked(Self.policy).policy
        let from = policy.question(from: "203.0.113.5, offce", to: "djnago").diagnostics
        #expect(from.map(\.code) == [.unknownGroup, .unknownService])
        #expect(from[0].span.file == "FROM" && from[0].span.start.column == 14 && from[0].span.end.column == 19)
        #expect(from[1].span.file == "TO" && from[1].help == "did you mean `django`?")
    }

    /// `[::ffff:192.0.2.1]` is dialled over IPv4: that nobody gets in to it over IPv6 would prove nothing.
    @Test(arguments: [
        ("[::ffff:192.0.2.1]:80", Diagnostic.Code.mappedAddress, "write `192.0.2.1`"),
        ("host:shs", .unknownService, "did you mean `host:ssh`?"),
        ("[2001:db8::1]", .unknownService, "write `[2001:db8::1]:PORT`"),
        (
            "www.example.com:80", .unknownService,
            "a name of the DNS is not an address: write the address that it stands for"
        ),
    ])
    func `of what nobody can dial is told what to write`(to: String, code: Diagnostic.Code, help: String) throws {
        let policy = try Asked("host: { services: { ssh: { port: 22, allow: anyone } } }").policy
        let found = policy.question(from: "anyone", to: to).diagnostics
        #expect(found.map(\.code) == [code])
        #expect(found.first?.help == help)
    }

    @Test func `names the service that decides, where a line of the policy has several`() throws {
        let asked = try Asked("services: { a: { publish: 80, allow: nobody }, b: { publish: 81, allow: nobody } }")
        let change = try #require(try asked.explain("192.0.2.1", "81").parts.first?.decisions.first?.change)
        #expect(
            change == .addToAllow(service: "b", asked.policy.services[1].allowSpan ?? asked.policy.services[1].span))
    }

    /// Before 28.0 Docker itself lets neighbours in there.
    @Test func `of a container is one of its own address, too, where that is left open`() throws {
        let network = Network(id: "n", name: "bridge", bridge: try InterfaceName("docker0"))
        let binding = Binding(
            hostAddress: .v4(IPv4Address(0)), hostPort: 3000, transport: .tcp, containerPort: 80)
        let container = Container(
            id: "1", name: "shop", attachments: [Attachment(network: "n", ipv4: IPv4Address(0xac11_0002))],
            bindings: [binding])
        let inventory = Inventory(containers: [container], networks: [network])
        let services = "services: { web: { publish: 3000, allow: nobody } }"
        #expect(try Asked("unlisted: accept\n" + services, inventory).verdict("192.0.2.1", "shop") == .differs)
        #expect(try Asked(services, inventory).verdict("192.0.2.1", "shop") == .refused)
    }
}
