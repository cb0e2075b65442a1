internal import Addressing
internal import Docker

/// A container as the engine tells of it.
struct Found {
    var container: Container
    /// `bridge`, `host`, `none`, `container:ID` or a network's name.
    var mode: String

    init(_ listed: ListedContainer, _ networks: [Network]) {
        // `/web`; one with two slashes is another container's link to it.
        let names = (listed.names ?? []).map { $0.drop { $0 == "/" } }
        mode = listed.hostConfig?.mode ?? ""
        container = Container(
            id: listed.id, name: String(names.first { !$0.contains("/") } ?? listed.id.prefix(12)),
            labels: listed.labels ?? [:],
            attachments: Self.attachments(listed.networkSettings?.networks, networks),
            bindings: (listed.ports ?? []).flatMap(Self.bindings).ordered())
    }

    /// One that the list does not have yet, as its network is connected before its process runs.
    init(starting inspected: InspectedContainer, _ networks: [Network]) {
        mode = inspected.hostConfig?.mode ?? ""
        container = Container(
            id: inspected.id, name: String(inspected.name.drop { $0 == "/" }), labels: inspected.config?.labels ?? [:],
            attachments: Self.attachments(inspected.networkSettings?.networks, networks))
        add(inspected)
        let made = Self.bindings(inspected.networkSettings?.ports)
        let asked = Self.bindings(inspected.hostConfig?.portBindings)
        // What was asked for counts where Docker has not yet said what it made of it: of a range all ports.
        let open = asked.filter { binding in
            !made.contains { ($0.containerPort, $0.transport) == (binding.containerPort, binding.transport) }
        }
        container.bindings = (made + open).ordered()
    }

    /// What lists do not say.
    mutating func add(_ inspected: InspectedContainer) {
        mode = inspected.hostConfig?.mode ?? mode
        container.publishedPorts = (inspected.hostConfig?.portBindings?.rows ?? []).map(\.port).sorted()
    }

    /// Of a range Podman lists the first port alone.
    mutating func addBindings(_ inspected: InspectedContainer) {
        container.bindings = (container.bindings + Self.bindings(inspected.networkSettings?.ports)).ordered()
    }

    private static func attachments(_ endpoints: [String: Endpoint]?, _ networks: [Network]) -> [Attachment] {
        (endpoints ?? [:]).map { name, endpoint in
            // Before it is connected only the name is there; Podman gives the name for the id.
            let network = networks.first { $0.id == endpoint.network } ?? networks.first { $0.name == name }
            var attachment = Attachment(network: network?.id ?? endpoint.network ?? name)
            for case .some(let address) in [endpoint.ipv4?.address, endpoint.ipv6?.address] {
                switch address {
                case .v4(let address): attachment.ipv4 = address
                case .v6(let address): attachment.ipv6 = address
                }
            }
            return attachment
        }.sorted { $0.network < $1.network }
    }

    private static func bindings(_ port: ListedContainer.Port) -> [Binding] {
        guard let hostPort = port.hostPort, hostPort != 0 else { return [] }
        return everyAddress(port.address).map {
            Binding(
                hostAddress: $0, hostPort: hostPort, transport: port.transport.transport,
                containerPort: port.containerPort)
        }
    }

    private static func bindings(_ table: PortTable?) -> [Binding] {
        (table?.rows ?? []).flatMap { row in
            row.port.ports.flatMap { containerPort in
                row.hostPorts.flatMap { host in
                    (host.ports?.ports).map(Array.init)?.flatMap { hostPort in
                        everyAddress(host.address).map {
                            Binding(
                                hostAddress: $0, hostPort: hostPort, transport: row.port.transport,
                                containerPort: containerPort)
                        }
                    } ?? []
                }
            }
        }
    }

    /// Where none is named, all are meant.
    private static func everyAddress(_ field: AddressField?) -> [IPAddress] {
        field?.address.map { [$0] } ?? [.v4(IPv4Address(0)), .v6(IPv6Address(0))]
    }

    /// A container that shares another's stack is on the host's when that one is.
    static func joined(_ all: [Found]) -> [Container] {
        let modes = Dictionary(all.map { ($0.container.id, $0.mode) }) { first, _ in first }
        return all.map { found in
            var mode = found.mode
            // A stack can be shared by one that shares a stack: never in a ring, yet an answer could say so.
            for _ in 0..<8 {
                guard mode.hasPrefix("container:") else { break }
                mode = modes[String(mode.dropFirst("container:".count))] ?? ""
            }
            var container = found.container
            container.usesHostNetwork = mode == "host"
            return container
        }
    }
}

extension [Binding] {
    fileprivate func ordered() -> Self { Set(self).sorted() }
}
