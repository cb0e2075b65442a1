import Addressing
import Docker

@testable import TestSupport

extension Docker.Container {
    /// A container of the bench as Docker's API tells it.
    init(_ attachment: TestSupport.Attachment, labels: [String: String] = [:]) {
        let isMapped =
            switch attachment.bridge.gateway {
            case .nat, .natUnprotected: true
            case .routed, .internal: false
            }
        let name = attachment.container.name
        self.init(
            id: name, name: name, labels: labels,
            attachments: [
                Docker.Attachment(
                    network: attachment.bridge.name, ipv4: IPAddress(attachment.address4)?.v4,
                    ipv6: attachment.address6.flatMap(IPAddress.init)?.v6)
            ],
            bindings: isMapped ? attachment.publications.flatMap(\.bindings).sorted() : [],
            publishedPorts: Set(
                attachment.publications.map { PortRange($0.transport, $0.containerPort...$0.containerPort) }
            ).sorted())
    }
}

extension Network {
    init(_ bridge: Bridge) throws {
        let mode: GatewayMode =
            switch bridge.gateway {
            case .nat, .internal: .nat
            case .routed: .routed
            case .natUnprotected: .natUnprotected
            }
        self.init(
            id: bridge.name, name: bridge.name, bridge: try InterfaceName(bridge.name), gatewayMode4: mode,
            gatewayMode6: mode, isInternal: bridge.gateway == .internal)
    }
}

extension Publication {
    /// Without an address, Docker binds one port in each family.
    fileprivate var bindings: [Binding] {
        (hostAddress.map { [$0] } ?? ["0.0.0.0", "::"]).compactMap(IPAddress.init).map {
            Binding(hostAddress: $0, hostPort: hostPort, transport: transport, containerPort: containerPort)
        }
    }
}

extension IPAddress {
    fileprivate var v4: IPv4Address? { if case .v4(let address) = self { address } else { nil } }
    fileprivate var v6: IPv6Address? { if case .v6(let address) = self { address } else { nil } }
}
