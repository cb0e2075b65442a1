import Addressing
import Audit
import Docker
import HostRules
import Presentation
import Reachability
import Testing

@Suite struct `Doors without a published port` {
    let parent = try? InterfaceName("ext0")

    func withMacvlan(_ more: [HostTable] = []) -> SampleHost {
        var host = SampleHost(more)
        host.inventory.networks.append(Network(id: "m", name: "lan", driver: .macvlan, parent: parent))
        host.inventory.containers.append(
            Container(
                id: "2", name: "camera", attachments: [Attachment(network: "m", ipv4: IPv4Address(0xc000_0232))],
                publishedPorts: [PortRange(.tcp, 80...80)]))
        return host
    }

    @Test func `a macvlan's container is open where nothing filters on its parent`() {
        let report = withMacvlan([SampleHost.guarding(.forward, [[.verdict(.drop)]])]).report
        #expect(report.entrances(.macvlan, 80).first?.verdict == .openToAnyone)
        #expect(report.codes.contains(.openByMacvlan))
    }

    @Test func `a chain at the ingress of its parent closes it`() {
        let ingress = HostTable(
            family: .netdev, name: "lan",
            chains: [
                HostChain(
                    name: "in", base: .init(type: "filter", hook: .ingress, priority: -500, devices: ["ext0"]),
                    rules: [HostRule(handle: 1, [.verdict(.drop)])])
            ])
        #expect(withMacvlan([ingress]).report.entrances(.macvlan, 80).allSatisfy { $0.verdict == .closed })
    }

    @Test func `a port that only a range of a rule names has a door of its own`() {
        let range: [Instruction] = [
            .loadPayload(base: 2, offset: 2, length: 2, into: 0),
            .range(0, from: [0x1f, 0x40], to: [0x1f, 0xa4], inverted: false), .verdict(.accept),
        ]
        let report = SampleHost([SampleHost.guarding(.forward, [range, [.verdict(.drop)]])], hasDockerRules: false)
            .report
        let direct = report.entrances.filter { $0.door.path == .direct && $0.door.transport == .tcp }
        #expect(direct.filter { $0.verdict == .openToAnyone }.map(\.door.port) == [8000])
        #expect(direct.contains { $0.door.port == nil && $0.verdict == .closed })
    }

    @Test func `docker-proxy of an engine that was not asked is a door`() {
        var host = SampleHost()
        host.inventory.containers = []
        #expect(host.report.entrances(.proxy, 8081).contains { $0.verdict == .openToAnyone })
    }

    @Test func `an audit without Docker says that it is one`() {
        var subject = Subject(
            rules: HostRuleset(generation: 1, tables: []), topology: Topology(links: [], routes: []))
        #expect(AuditText(AuditReport(subject), doors: .all).text.contains("without Docker"))
        subject.inventory = Inventory(containers: [], networks: [])
        #expect(!AuditText(AuditReport(subject), doors: .all).text.contains("without Docker"))
    }

    @Test func `a bridge by which the default route leaves is outside, however it is called`() {
        func report(_ routes: [Topology.Route]) -> AuditReport {
            let host = SampleHost()
            return AuditReport(
                Subject(
                    rules: HostRuleset(generation: 1, tables: host.tables),
                    topology: Topology(
                        links: [
                            .init(
                                name: "br-lan", index: 2, addresses: [.v4(IPv4Address(0xc000_0201))],
                                forwards: [.ipv4])
                        ], routes: routes),
                    inventory: host.inventory))
        }
        #expect(report([]).entrances(.dnat4, 8081).isEmpty)
        let uplink = Topology.Route(.v4(0...UInt32.max), interface: "br-lan")
        #expect(report([uplink]).entrances(.dnat4, 8081).first?.interfaces == ["br-lan"])
    }

    @Test func `a container on the host's network is found by what listens`() {
        var host = SampleHost()
        host.inventory.containers.append(Container(id: "3", name: "exporter", usesHostNetwork: true))
        host.listeners.append(
            Listener(transport: .tcp, address: .v4(IPv4Address(0)), port: 9100, processes: ["exporter"]))
        #expect(host.report.entrances(.host, 9100).first?.verdict == .openToAnyone)
        host.listeners[2].address = .v4(IPv4Address(0x7f00_0001))
        #expect(host.report.entrances(.host, 9100).isEmpty)
    }

    @Test func `what listens on a host without such containers is none of Docker's`() {
        var host = SampleHost()
        host.listeners.append(Listener(transport: .tcp, address: .v4(IPv4Address(0)), port: 22, processes: ["sshd"]))
        #expect(host.report.entrances(.host, 22).isEmpty)
    }

    @Test func `a swarm's port and its VXLAN are said`() {
        var host = SampleHost()
        host.inventory.isInSwarm = true
        host.listeners.append(
            Listener(transport: .tcp, address: .v4(IPv4Address(0)), port: 8443, processes: ["dockerd"]))
        #expect(host.report.codes.contains(.openBySwarm))
        #expect(host.report.codes.contains(.vxlanOpen))
    }

    @Test func `Docker's API without a password comes with the worst`() {
        var host = SampleHost()
        host.listeners.append(
            Listener(transport: .tcp, address: .v4(IPv4Address(0)), port: 2375, processes: ["dockerd"]))
        #expect(host.report.codes.first == .dockerAPIOpen)
    }

    @Test func `an inventory of a hundred containers is a hundred rows a path and not one an address`() {
        var host = SampleHost()
        host.inventory.containers = (0..<100).map { number in
            Container(
                id: "\(number)", name: "c\(number)",
                bindings: [
                    Binding(
                        hostAddress: .v4(IPv4Address(0)), hostPort: 9000 + UInt16(number), transport: .tcp,
                        containerPort: 80)
                ])
        }
        host.listeners = []
        // Dialled at the host and at 127.0.0.1, nothing else.
        #expect(host.report.entrances.count == 200)
    }
}
