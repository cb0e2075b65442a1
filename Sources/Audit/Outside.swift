internal import Addressing
internal import Docker
internal import Policy
internal import Reachability

/// Where somebody outside may come in by, and what he may dial.
struct Outside {
    let interfaces: [String]
    private let links: [Topology.Link]

    init(_ subject: Subject) {
        let external = ExternalInterfaces(subject.policy)
        let bridges = Set((subject.inventory?.networks ?? []).compactMap { $0.bridge?.description })
        links = subject.topology.links
        interfaces = links.map(\.name).filter { name in
            !bridges.contains(name) && !name.hasPrefix("veth") && name != "docker0" && name != "docker_gwbridge"
                && (external.contains(name) || external.isCalledBridge(name) && subject.topology.leadsOut(name))
        }
    }

    /// What may be dialled when coming in by the interface.
    func addresses(_ family: AddressFamily, by interface: String) -> [IPAddress] {
        links.flatMap { link in
            link.addresses.filter {
                $0.family == family && !$0.isLoopback && (!$0.isLinkLocal || link.name == interface)
            }
        }
    }

    /// The addresses of the host that face outside: those by which others know it.
    func ownAddresses(by interface: String) -> [IPAddress] {
        links.filter { interfaces.contains($0.name) || $0.name == interface }.flatMap { link in
            link.addresses.filter { !$0.isLoopback && (!$0.isLinkLocal || link.name == interface) }
        }
    }
}

extension Topology {
    /// A bridge that the default route leaves by is nobody's but the machine's, however it is called.
    fileprivate func leadsOut(_ interface: String) -> Bool {
        routes.contains { route in
            route.interface == interface && [.v4(0...UInt32.max), .v6(0...UInt128.max)].contains(route.subnet)
        }
    }
}
