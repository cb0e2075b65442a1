import Addressing
import Docker

@testable import TestSupport

/// Containers that are on ext0's wire themselves, by macvlan: the host's own hooks never see their packets.
extension Estate {
    struct OnTheWire: Hashable, Sendable {
        var name: String
        var address4: String
        var address6: String

        func address(_ family: AddressFamily) -> String { family == .ipv4 ? address4 : address6 }
    }

    static let onTheWire = [
        OnTheWire(name: "wired", address4: "192.0.2.5", address6: "2001:db8:1::5"),
        // In no policy.
        OnTheWire(name: "stray", address4: "192.0.2.6", address6: "2001:db8:1::6"),
    ]

    static let wireNetwork = "lan"
    static let wireParent = "ext0"

    /// What they listen on. A service names the first, of the first container.
    static let wirePorts: [UInt16] = [80, 9000]

    /// Puts them there as Docker's driver does, each in its namespace.
    static func withContainersOnTheWire(
        of host: DockerHost, _ body: ([String: NetworkNamespace]) throws -> Void
    ) throws {
        try NetworkNamespace.with(onTheWire[0].name) { first in
            try NetworkNamespace.with(onTheWire[1].name) { second in
                let namespaces = [onTheWire[0].name: first, onTheWire[1].name: second]
                for container in onTheWire {
                    guard let namespace = namespaces[container.name] else { continue }
                    try host.namespace.ip(
                        """
                        link add \(container.name) link \(wireParent) type macvlan mode bridge
                        link set \(container.name) netns \(namespace.name)

                        """)
                    try namespace.set(["net/ipv6/conf/all/accept_dad": "0", "net/ipv6/conf/default/accept_dad": "0"])
                    try namespace.ip(
                        """
                        link set \(container.name) up
                        addr add \(container.address4)/24 dev \(container.name)
                        addr add \(container.address6)/64 dev \(container.name) nodad
                        route add default via 192.0.2.10
                        route add default via 2001:db8:1::10

                        """)
                    for port in wirePorts { try host.serve(container.name, at: .namespace(namespace), on: port) }
                }
                try body(namespaces)
            }
        }
    }

    static var wireDoors: [Door] {
        onTheWire.flatMap { container in
            AddressFamily.allCases.flatMap { family in
                wirePorts.flatMap { port in
                    [TransportProtocol.tcp, .udp].map {
                        Door(
                            path: .onTheWire, target: container.name, transport: $0, address: container.address(family),
                            port: port, service: port == wirePorts[0] ? service(of: container.name) : nil)
                    }
                }
            }
        }
    }

    /// They ask the machine that their wire leads to.
    static func wireErrands(_ place: (String) throws -> Place) throws -> [Cell] {
        try onTheWire.flatMap { container in
            let inside = try place(container.name)
            return [("192.0.2.10", container.address4), ("2001:db8:1::10", container.address6)].flatMap { server, own in
                [Probe.Kind.tcp, .udp].map {
                    Cell(
                        path: .inside, target: "neighbour", caller: container.name, standing: .allowed,
                        probe: Probe($0, from: own, to: server, port: internetPorts[0], at: inside))
                }
            }
        }
    }

    static func wireInventory() throws -> (containers: [Docker.Container], network: Network) {
        let containers = onTheWire.map { container in
            var attachment = Docker.Attachment(network: wireNetwork)
            if case .v4(let address) = IPAddress(container.address4) { attachment.ipv4 = address }
            if case .v6(let address) = IPAddress(container.address6) { attachment.ipv6 = address }
            return Docker.Container(id: container.name, name: container.name, attachments: [attachment])
        }
        return (
            containers,
            Network(
                id: wireNetwork, name: wireNetwork, driver: .macvlan, parent: try InterfaceName(wireParent))
        )
    }
}
