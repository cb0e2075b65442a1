import Addressing
import Audit
import Docker
import HostRules
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
