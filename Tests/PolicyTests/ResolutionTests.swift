import Addressing
import Diagnostics
import Docker
import Policy
import Testing

@Suite struct `A service known by its containers` {
    private func service(_ keys: String) -> String {
        "version: 1\nservices:\n  it: { \(keys), allow: 203.0.113.7 }\n"
    }

    private func resolve(_ text: String, _ inventory: Inventory) throws -> (Service?, [Diagnostic]) {
        let loaded = load(text).resolved(against: inventory)
        return (loaded.policy?.services.first { $0.name == "it" }, loaded.diagnostics)
    }

    private func binding(_ address: String, _ port: UInt16, _ inner: UInt16 = 80) throws -> Binding {
        Binding(hostAddress: try #require(IPAddress(address)), hostPort: port, transport: .tcp, containerPort: inner)
    }

    private func everywhere(_ port: UInt16, _ inner: UInt16 = 80) throws -> [Binding] {
        [try binding("0.0.0.0", port, inner), try binding("::", port, inner)]
    }

    private func tcp(_ port: UInt16) -> PortRange { PortRange(.tcp, port...port) }

    @Test func `stands for all that they publish, or for the ports that it names`() throws {
        let web = Container(id: "1", name: "web", bindings: try everywhere(8080) + everywhere(8443, 443))
        let all = try resolve(service("container: web"), Inventory(containers: [web]))
        #expect(all.0?.selected == [HostPort(nil, tcp(8080)), HostPort(nil, tcp(8443))])
        #expect(all.1 == [])
        let one = try resolve(service("container: web, port: [443, 444]"), Inventory(containers: [web]))
        #expect(one.0?.selected == [HostPort(nil, tcp(8443))])
        #expect(one.1.map(\.code) == [.portNotPublished])
        #expect(one.1.first?.headline == "`web` does not publish `444/tcp`, only `80/tcp`, `443/tcp`")
    }

    @Test func `counts every replica, by compose or by label`() throws {
        let labels = ["com.docker.compose.project": "shop", "com.docker.compose.service": "web", "tier": "a=b"]
        let replicas = try (1...3).map { number in
            Container(
                id: "\(number)", name: "shop-web-\(number)", labels: labels,
                bindings: try everywhere(8080 + UInt16(number)))
        }
        for selector in ["compose: shop/web", "label: tier=a=b"] {
            let (found, diagnostics) = try resolve(service(selector), Inventory(containers: replicas))
            #expect(found?.selected.map(\.range) == [tcp(8081), tcp(8082), tcp(8083)])
            #expect(diagnostics == [])
        }
    }

    @Test func `is bound where they are, as far as on says`() throws {
        let pinned = Container(
            id: "1", name: "web", bindings: [try binding("192.0.2.1", 80), try binding("198.51.100.1", 80)])
        let inventory = Inventory(containers: [pinned])
        let first = try #require(IPAddress("192.0.2.1"))
        let second = try #require(IPAddress("198.51.100.1"))
        #expect(
            try resolve(service("container: web"), inventory).0?.selected
                == [HostPort(first, tcp(80)), HostPort(second, tcp(80))])
        #expect(
            try resolve(service("container: web, on: 192.0.2.1"), inventory).0?.selected == [HostPort(first, tcp(80))])
        let wild = Inventory(containers: [Container(id: "1", name: "web", bindings: try everywhere(80))])
        #expect(try resolve(service("container: web, on: 192.0.2.1"), wild).0?.selected == [HostPort(first, tcp(80))])
    }

    @Test func `does not open the other family's port to another container`() throws {
        let inventory = Inventory(containers: [
            Container(id: "1", name: "four", bindings: [try binding("0.0.0.0", 80)]),
            Container(id: "2", name: "six", bindings: [try binding("::", 80)]),
        ])
        let (found, diagnostics) = try resolve(service("container: four"), inventory)
        #expect(found?.selected == [])
        #expect(diagnostics.map(\.code) == [.sharedHostPort])
        let alone = Inventory(containers: [inventory.containers[0]])
        #expect(try resolve(service("container: four"), alone).0?.selected == [HostPort(nil, tcp(80))])
    }

    @Test func `that runs nowhere is a warning with the nearest name, or an error where it is required`() throws {
        let inventory = Inventory(containers: [
            Container(
                id: "1", name: "grafana",
                labels: [
                    "com.docker.compose.project": "shop", "com.docker.compose.service": "web", "tier": "front",
                ], bindings: try everywhere(3000))
        ])
        for (selector, near) in [
            ("container: grafan", "container: grafana"), ("compose: shop/wep", "compose: shop/web"),
            ("label: tier=frnt", "label: tier=front"), ("label: ter=front", "label: tier=front"),
        ] {
            let warned = try resolve(service(selector), inventory)
            #expect(warned.0?.selected == [])
            #expect(warned.1.map(\.code) == [.nothingSelected] && warned.1.first?.severity == .warning)
            #expect(warned.1.first?.help == "did you mean `\(near)`?")
            let refused = try resolve(service("\(selector), required: true"), inventory)
            #expect(refused.0 == nil && refused.1.first?.severity == .error)
        }
    }

    @Test func `has its own address named on networks that lead there`() throws {
        let networks = [
            Network(id: "rt", name: "rt", gatewayMode4: .routed),
            Network(id: "mac", name: "mac", driver: .macvlan), Network(id: "nat", name: "nat"),
        ]
        let container = Container(
            id: "1", name: "web",
            attachments: try [("rt", "172.28.0.2"), ("mac", "192.0.2.50"), ("nat", "172.17.0.2")].map {
                guard case .v4(let address) = try #require(IPAddress($1)) else { throw AddressTextError.notAnAddress }
                return Attachment(network: $0, ipv4: address, ipv6: $0 == "rt" ? IPv6Address(1) : nil)
            }, publishedPorts: [tcp(80)])
        let inventory = Inventory(containers: [container], networks: networks)
        let all = try resolve(service("container: web"), inventory)
        #expect(all.0?.direct.map { "\($0.address) \($0.range)" } == ["172.28.0.2 80/tcp", "192.0.2.50 80/tcp"])
        #expect(all.1 == [])
        let other = try resolve(service("container: web, port: 443"), inventory)
        #expect(other.0?.direct.map(\.range) == [tcp(443), tcp(443)])
        #expect(try resolve(service("container: web, on: 192.0.2.1"), inventory).0?.direct == [])
    }

    @Test func `names the host's own port where it has the host's network`() throws {
        let inventory = Inventory(containers: [Container(id: "1", name: "agent", usesHostNetwork: true)])
        #expect(
            try resolve(service("container: agent, port: 9100"), inventory).0?.selected == [HostPort(nil, tcp(9100))])
        #expect(try resolve(service("container: agent"), inventory).1.map(\.code) == [.hostNetworkPort])
    }

    @Test func `shares a port with another service only with a warning`() throws {
        let inventory = Inventory(containers: [Container(id: "1", name: "web", bindings: try everywhere(8080))])
        let text = service("container: web") + "  other: { publish: 8080, allow: 203.0.113.9 }\n"
        #expect(try resolve(text, inventory).1.map(\.code) == [.portInTwoServices])
    }

    @Test func `brings no bridge to be judged as an outside`() throws {
        let lab = try InterfaceName("lab0")
        let inventory = Inventory(networks: [Network(id: "1", name: "lab", bridge: lab)])
        let auto = load("version: 1\n").resolved(against: inventory)
        #expect(auto.policy?.interfaces.containers.contains(lab) == true && auto.diagnostics == [])
        let listed = load("version: 1\ninterfaces: { external: [eth0, \"lab*\"] }\n").resolved(against: inventory)
        #expect(listed.diagnostics.map(\.code) == [.containerInterface])
    }
}
