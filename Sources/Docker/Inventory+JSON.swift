internal import Addressing
internal import FoundationEssentials

/// An inventory as it is kept. The version changes when a reader of the old one would be misled.
extension Inventory {
    static let version = 1

    public func encoded() -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        // Texts, numbers and truth values only: there is nothing in it that JSON cannot hold.
        guard let bytes = try? encoder.encode(Document(self)) else { return [] }
        return Array(bytes)
    }

    /// Nil for anything that `encoded()` would not have written.
    public init?(bytes: [UInt8]) {
        guard let document = try? JSONDecoder().decode(Document.self, from: Data(bytes)),
            document.version == Self.version, let inventory = document.inventory
        else { return nil }
        self = inventory
    }
}

private struct Document: Codable {
    var version: Int
    var containers: [ContainerEntry]
    var networks: [NetworkEntry]
    var swarm: Bool
    var proxyGroup: ProxyGroupEntry?

    init(_ inventory: Inventory) {
        version = Inventory.version
        containers = inventory.containers.map { ContainerEntry($0) }
        networks = inventory.networks.map { NetworkEntry($0) }
        swarm = inventory.isInSwarm
        proxyGroup = inventory.proxyGroup.map { ProxyGroupEntry($0) }
    }

    var inventory: Inventory? {
        guard let containers = all(containers, \.container), let networks = all(networks, \.network) else { return nil }
        return Inventory(
            containers: containers, networks: networks, isInSwarm: swarm, proxyGroup: proxyGroup?.group)
    }
}

private struct ProxyGroupEntry: Codable {
    var id: UInt64
    var path: String
    var level: UInt8

    init(_ group: ProxyGroup) {
        id = group.id
        path = group.path
        level = group.level
    }

    var group: ProxyGroup { ProxyGroup(id: id, path: path, level: level) }
}

private struct ContainerEntry: Codable {
    var id: String
    var name: String
    var labels: [String: String]
    var hostNetwork: Bool
    var attachments: [AttachmentEntry]
    var bindings: [BindingEntry]
    var published: [PortsEntry]

    init(_ container: Container) {
        id = container.id
        name = container.name
        labels = container.labels
        hostNetwork = container.usesHostNetwork
        attachments = container.attachments.map { AttachmentEntry($0) }
        bindings = container.bindings.map { BindingEntry($0) }
        published = container.publishedPorts.map { PortsEntry($0) }
    }

    var container: Container? {
        guard let attachments = all(attachments, \.attachment), let bindings = all(bindings, \.binding),
            let published = all(published, \.range)
        else { return nil }
        return Container(
            id: id, name: name, labels: labels, usesHostNetwork: hostNetwork, attachments: attachments,
            bindings: bindings, publishedPorts: published)
    }
}

private struct AttachmentEntry: Codable {
    var network: String
    var addresses: [String]

    init(_ attachment: Attachment) {
        network = attachment.network
        addresses = attachment.addresses.map(\.description)
    }

    var attachment: Attachment? {
        var attachment = Attachment(network: network)
        for text in addresses {
            switch IPAddress(text) {
            case .v4(let address): attachment.ipv4 = address
            case .v6(let address): attachment.ipv6 = address
            case nil: return nil
            }
        }
        return attachment
    }
}

private struct BindingEntry: Codable {
    var address: String
    var port: UInt16
    var transport: String
    var containerPort: UInt16

    init(_ binding: Binding) {
        address = binding.hostAddress.description
        port = binding.hostPort
        transport = binding.transport.description
        containerPort = binding.containerPort
    }

    var binding: Binding? {
        guard let address = IPAddress(address), let transport = TransportProtocol(transport) else { return nil }
        return Binding(hostAddress: address, hostPort: port, transport: transport, containerPort: containerPort)
    }
}

private struct PortsEntry: Codable {
    var transport: String
    var first: UInt16
    var last: UInt16

    init(_ range: PortRange) {
        transport = range.transport.description
        first = range.ports.lowerBound
        last = range.ports.upperBound
    }

    var range: PortRange? {
        guard let transport = TransportProtocol(transport), first <= last else { return nil }
        return PortRange(transport, first...last)
    }
}

private struct NetworkEntry: Codable {
    var id: String
    var name: String
    var driver: String
    var bridge: String?
    var parent: String?
    var gatewayMode4: String
    var gatewayMode6: String
    /// Each from its first address to its last.
    var subnets: [String]
    var `internal`: Bool

    init(_ network: Network) {
        id = network.id
        name = network.name
        driver = network.driver.name
        bridge = network.bridge?.description
        parent = network.parent?.description
        gatewayMode4 = network.gatewayMode4.rawValue
        gatewayMode6 = network.gatewayMode6.rawValue
        subnets = network.subnets.map { subnet in
            switch subnet {
            case .v4(let range): "\(range.lowerBound.text)-\(range.upperBound.text)"
            case .v6(let range): "\(range.lowerBound.text)-\(range.upperBound.text)"
            }
        }
        `internal` = network.isInternal
    }

    var network: Network? {
        guard let gatewayMode4 = Network.GatewayMode(rawValue: gatewayMode4),
            let gatewayMode6 = Network.GatewayMode(rawValue: gatewayMode6),
            let subnets = all(subnets, { try? AddressText($0) }),
            let bridge = interface(bridge), let parent = interface(parent)
        else { return nil }
        return Network(
            id: id, name: name, driver: .init(name: driver), bridge: bridge.name, parent: parent.name,
            gatewayMode4: gatewayMode4, gatewayMode6: gatewayMode6, subnets: subnets, isInternal: `internal`)
    }

    private struct Named {
        var name: InterfaceName?
    }

    /// Nil for what no interface is called; a network without an interface is another thing.
    private func interface(_ text: String?) -> Named? {
        guard let text else { return Named() }
        return (try? InterfaceName(text)).map { Named(name: $0) }
    }
}

/// Nil when one of them is nil.
private func all<Entry, Value>(_ entries: [Entry], _ value: (Entry) -> Value?) -> [Value]? {
    let values = entries.compactMap(value)
    return values.count == entries.count ? values : nil
}
