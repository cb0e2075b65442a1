import Addressing

@testable import TestSupport

/// What must not break: everything that does not come from outside.
extension Estate {
    /// Cells of the host itself and of its containers. `place` is where a container is.
    func insideCells(_ place: (String) throws -> Place) throws -> [Cell] {
        try hostCells + containerCells(place) + Self.wireErrands(place)
    }

    /// Servers on the internet, which is the other client; a client that sends to the host's loopback; pings for everyone.
    static func prepare(_ host: DockerHost) throws {
        for port in internetPorts { try host.serve("internet", at: .otherClient, on: port) }
        try host.serve("neighbour", at: .client, on: internetPorts[0])
        try host.namespace.set(["net/ipv4/ping_group_range": "0 2147483647"])
        try host.routeLoopbackToHost()
    }

    /// What every engine serves in every mode: itself, the same bridge, the host's services, and the outside.
    static let errands = [
        ("host", "itself"), ("host", "django"), ("host", "internet"), ("django", "two"), ("django", "peer"),
        ("django", "hostapp"), ("django", "internet"), ("shop", "hostapp"), ("shop", "internet"), ("both", "peer6"),
        ("both", "internet"), ("wired", "neighbour"), ("stray", "neighbour"),
    ]

    private static let internet4 = "198.51.100.140"
    private static let internet6 = "2001:db8:20::9"

    private static func cell(
        _ caller: String, _ target: String, _ kind: Probe.Kind, from source: String, to destination: String,
        _ port: UInt16, at place: Place
    ) -> Cell {
        Cell(
            path: .inside, target: target, caller: caller, standing: .allowed,
            probe: Probe(kind, from: source, to: destination, port: port, at: place))
    }

    private var hostCells: [Cell] {
        // To itself from the same address, over lo; to others from the address of the way there.
        let own = ["127.0.0.1", "192.0.2.1", "198.51.100.1", "172.17.0.1", "::1", "2001:db8:1::1", "2001:db8:6::1"]
        let ports: [UInt16] = [8081, 8084, 8061, 8199, 8090]
        let toItself = own.flatMap { address in
            ports.flatMap { port in
                [Probe.Kind.tcp, .udp].map {
                    Self.cell("host", "itself", $0, from: address, to: address, port, at: .host)
                }
            }
        }
        let toContainers = attachments.flatMap { attachment in
            AddressFamily.allCases.compactMap { family in
                guard let address = attachment.address(family),
                    let source = family == .ipv4
                        ? try? attachment.bridge.address4(1) : (try? attachment.bridge.address6(1)) ?? nil
                else { return nil as Cell? }
                return Self.cell("host", attachment.container.name, .tcp, from: source, to: address, 80, at: .host)
            }
        }
        let abroad = [("198.51.100.1", Self.internet4), ("2001:db8:2::1", Self.internet6)].flatMap { source, server in
            Self.internetPorts.flatMap { port in
                [Probe.Kind.tcp, .udp].map {
                    Self.cell("host", "internet", $0, from: source, to: server, port, at: .host)
                }
            } + [Self.cell("host", "internet", .ping, from: source, to: server, 0, at: .host)]
        }
        return toItself + toContainers + abroad
    }

    private func containerCells(_ place: (String) throws -> Place) throws -> [Cell] {
        try ["django", "shop", "both", "peer", "routed", "open"].flatMap { name -> [Cell] in
            guard let own = attachments.first(where: { $0.container.name == name }) else { return [] }
            let inside = try place(name)
            return AddressFamily.allCases.flatMap { family -> [Cell] in
                guard let source = own.address(family) else { return [] }
                return destinations(family, from: own).flatMap { target, address, port in
                    [Probe.Kind.tcp, .udp].map {
                        Self.cell(name, target, $0, from: source, to: address, port, at: inside)
                    }
                } + [
                    Self.cell(
                        name, "internet", .ping, from: source, to: family == .ipv4 ? Self.internet4 : Self.internet6, 0,
                        at: inside)
                ]
            }
        }
    }

    /// Published ports by the host's addresses, among them the container's own; the host's services; containers of the same
    /// bridge and of others; the internet.
    private func destinations(
        _ family: AddressFamily, from own: Attachment
    ) -> [(target: String, address: String, port: UInt16)] {
        let gateway = family == .ipv4 ? try? own.bridge.address4(1) : (try? own.bridge.address6(1)) ?? nil
        let hosts = [family == .ipv4 ? "192.0.2.1" : "2001:db8:1::1"] + [gateway].compactMap { $0 }
        let published: [(String, UInt16)] = [("django", 8081), ("two", 8088), ("shop", 8086), ("both", 8061)]
        let toHost = hosts.flatMap { address in
            (published + [("hostapp", 8090)]).map { ($0.0, address, $0.1) }
        }
        let toContainers = attachments.filter { $0 != own }.compactMap { other -> (String, String, UInt16)? in
            guard let address = other.address(family) else { return nil }
            return (other.container.name, address, other.container.name.hasPrefix("peer") ? 8081 : 80)
        }
        let server = family == .ipv4 ? Self.internet4 : Self.internet6
        return toHost + toContainers + Self.internetPorts.map { ("internet", server, $0) }
    }
}
