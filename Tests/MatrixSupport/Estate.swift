import Addressing
import Docker

@testable import TestSupport

/// What runs on the host of the matrix, the policy for it, and all the cells that come of the two.
struct Estate: Sendable {
    let attachments: [TestSupport.Attachment]

    /// `hasGatewayModes`: whether the engine knows routed and nat-unprotected networks.
    init(hasGatewayModes: Bool) throws {
        attachments = try DockerHost.attach(Self.containers + (hasGatewayModes ? Self.withGatewayModes : []))
    }

    var containers: [TestSupport.Container] { attachments.map(\.container) }

    static let containers: [TestSupport.Container] = [
        .init("django", publish: ["8081:80", "8081:80/udp"], listening: ["9000", "9000/udp"]),
        .init("two", publish: ["8088:80", "8088:80/udp", "8089:80", "8089:80/udp"]),
        .init("pinned", publish: ["192.0.2.1:8082:80", "192.0.2.1:8082:80/udp"]),
        .init("elsewhere", publish: ["198.51.100.1:8083:80", "198.51.100.1:8083:80/udp"]),
        .init("inner", publish: ["127.0.0.1:8084:80", "127.0.0.1:8084:80/udp"]),
        .init("shop", on: .user, publish: ["8086:80", "8086:80/udp"]),
        .init("both", on: .dual, publish: ["8061:80", "8061:80/udp"], listening: ["9000", "9000/udp"]),
        .init("pinned6", on: .dual, publish: ["[2001:db8:1::1]:8062:80", "[2001:db8:1::1]:8062:80/udp"]),
        // Published, and in no policy.
        .init("forgotten", publish: ["8199:80", "8199:80/udp"]),
        .init("forgotten6", on: .dual, publish: ["8198:80", "8198:80/udp"]),
        // Not published. Its port has the number of a published one.
        .init("peer", listening: ["8081", "8081/udp"]),
        .init("peer6", on: .dual, listening: ["8081", "8081/udp"]),
        // Docker publishes nothing on an internal network.
        .init("vault", on: .isolated, publish: ["8073:80", "8073:80/udp"]),
    ]

    static let withGatewayModes: [TestSupport.Container] = [
        .init("routed", on: .routed, publish: ["8072:80", "8072:80/udp"], listening: ["9000", "9000/udp"]),
        .init("open", on: .unprotected, publish: ["8071:80", "8071:80/udp"], listening: ["9000", "9000/udp"]),
    ]

    /// What the machine itself serves: a container with its network, and a process of its own.
    static let hostPorts: [(name: String, port: UInt16)] = [("hostapp", 8090), ("daemon", 9100)]

    /// Ports of a machine on the internet. One has the number of a published port.
    static let internetPorts: [UInt16] = [8081, 443]

    // MARK: The policy

    struct Service: Hashable, Sendable {
        enum Admission: Sendable { case list, nobody }

        var name: String
        /// Nil where the service says it by its container, which has the service's name.
        var port: UInt16?
        var on: String?
        var admits = Admission.list
    }

    private static let services = [
        Service(name: "django", port: 8081),
        Service(name: "first", port: 8088),
        Service(name: "second", port: 8089, admits: .nobody),
        Service(name: "pinned", port: 8082, on: "192.0.2.1"),
        Service(name: "elsewhere", port: 8083),
        Service(name: "inner", port: 8084),
        Service(name: "shop", port: 8086),
        Service(name: "both", port: 8061),
        Service(name: "pinned6", port: 8062, on: "2001:db8:1::1"),
        Service(name: "vault", port: 8073),
        Service(name: "hostapp", port: 8090),
    ]

    /// On networks whose containers are reached at their own addresses.
    private static let selecting = [Service(name: "routed"), Service(name: "open"), Service(name: onTheWire[0].name)]

    private func services(_ form: Form) -> [Service] {
        Self.services
            + (form.knowsDocker ? Self.selecting.filter { names.contains($0.name) } : [])
    }

    private var names: [String] { containers.map(\.name) + Self.onTheWire.map(\.name) }

    /// The policy's text.
    func policy(_ form: Form) -> String {
        let lines = services(form).map { service in
            let ports =
                service.port.map { "publish: [\($0), \($0)/udp]" } ?? "container: \(service.name), port: [80, 80/udp]"
            let on = service.on.map { ", on: [\"\($0)\"]" } ?? ""
            let allow = service.admits == .list ? Caller.list : "nobody"
            return "  \(service.name): { \(ports)\(on), allow: \(allow) }\n"
        }
        return "version: 1\nservices:\n\(lines.joined())\(form.closesHost ? "host: { otherwise: drop }\n" : "")"
    }

    /// What Docker's API tells of it.
    func inventory() throws -> Inventory {
        let wire = try Self.wireInventory()
        return Inventory(
            containers: (attachments.map { Docker.Container($0) } + wire.containers).sorted { $0.name < $1.name },
            networks: try Set(attachments.map(\.bridge)).sorted { $0.name < $1.name }.map { try Network($0) }
                + [wire.network])
    }

    /// The service that covers a port of the host dialled at an address.
    private static func service(for port: UInt16, at address: String) -> Service? {
        services.first { $0.port == port && ($0.on == nil || $0.on == address) }
    }

    /// The service that covers a container, by its name.
    static func service(of container: String) -> Service? { selecting.first { $0.name == container } }

    // MARK: The cells

    static let linkLocal = "fe80::1%eth0"
    private static let otherLinkLocal = "fe80::2%eth0"

    /// From outside.
    var cells: [Cell] { doors.flatMap(\.cells) }

    var doors: [Door] {
        attachments.flatMap { published($0) + direct($0) } + Self.wireDoors + Self.hostPorts.flatMap(host)
    }

    /// Addresses of the host, with what dialling them tries.
    private static func hostAddresses(_ bridge: Bridge?) -> [(Path, String)] {
        let gateways = [try? (bridge ?? .docker0).address4(1), (try? bridge?.address6(1)) ?? nil]
        return [
            (.published, "192.0.2.1"), (.otherAddress, "198.51.100.1"), (.published, "2001:db8:1::1"),
            (.otherAddress, "2001:db8:2::1"), (.linkLocal, linkLocal), (.linkLocal, otherLinkLocal),
        ] + gateways.compactMap { $0 }.map { (.gateway, $0) }
    }

    private func published(_ attachment: TestSupport.Attachment) -> [Door] {
        attachment.publications.flatMap { publication in
            var addresses = Self.hostAddresses(attachment.bridge)
            if let pinned = publication.pinnedAddress {
                let isOfIPv4 = !pinned.contains(":")
                addresses = addresses.filter { $0.1.contains(":") != isOfIPv4 }.map {
                    ($0.1 == pinned ? .pinned : pinned == "127.0.0.1" ? .pinnedToLoopback : .pinnedElsewhere, $0.1)
                }
                if isOfIPv4 { addresses.append((.loopback, "127.0.0.1")) }
            } else {
                addresses += [(.loopback, "127.0.0.1"), (.loopback, "127.9.9.9")]
            }
            return addresses.map { path, address in
                Door(
                    path: path, target: attachment.container.name, transport: publication.transport, address: address,
                    port: publication.hostPort,
                    service: Self.service(for: publication.hostPort, at: address)
                        ?? Self.service(of: attachment.container.name))
            }
        }
    }

    private func direct(_ attachment: TestSupport.Attachment) -> [Door] {
        let listening = attachment.container.listening.compactMap { try? Publication.parseListening($0) }
        let unpublished: Path = attachment.publications.isEmpty ? .directWithoutPorts : .directUnpublished
        let ports =
            attachment.publications.map { ($0.containerPort, $0.transport, Path.directPublished) }
            + listening.map { ($0.port, $0.transport, unpublished) }
        var doors: [Door] = []
        for family in AddressFamily.allCases {
            guard let address = attachment.address(family) else { continue }
            for (port, transport, path) in ports {
                let path: Path =
                    switch attachment.bridge.gateway {
                    case .nat: path
                    case .routed: .directRouted
                    case .natUnprotected: .directUnprotected
                    case .internal: .directInternal
                    }
                // A service stands for what its containers publish.
                let isNamed = path == .directRouted || path == .directUnprotected
                let isPublished = attachment.publications.contains {
                    $0.containerPort == port && $0.transport == transport
                }
                let door = Door(
                    path: path, target: attachment.container.name, transport: transport, address: address, port: port,
                    service: isNamed && isPublished ? Self.service(of: attachment.container.name) : nil)
                // Two ports of the host may lead to one of the container.
                if !doors.contains(door) { doors.append(door) }
            }
        }
        return doors
    }

    private func host(_ name: String, _ port: UInt16) -> [Door] {
        (Self.hostAddresses(nil).map(\.1) + ["127.0.0.1"]).flatMap { address in
            [TransportProtocol.tcp, .udp].map { transport in
                let service = Self.service(for: port, at: address)
                let path: Path =
                    address == "127.0.0.1"
                    ? .loopback
                    : service == nil ? .hostItself : address.hasPrefix("fe80") ? .linkLocal : .hostNetwork
                return Door(
                    path: path, target: name, transport: transport, address: address, port: port, service: service)
            }
        }
    }
}
