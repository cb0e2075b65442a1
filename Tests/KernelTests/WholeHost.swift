import Addressing
import Audit
import Docker
import HostRules
import NftablesKernel
import Policy
import Reachability

/// What a host's kernel says of itself, and who gets through all of its rules by that.
struct WholeHost {
    private let topology: Topology
    private let listeners: [Listener]

    /// Wired once, and its rules may change.
    init(namespace: String) throws {
        let network = try HostNetwork.read(namespace: namespace)
        let groups = ControlGroups()
        topology = Topology(network)
        listeners = network.listeners.compactMap {
            Listener($0, of: network, processes: [], controlGroups: $0.cgroup.flatMap(groups.lineage))
        }
    }

    /// By the rules as they are now.
    func entrances(_ kernel: inout KernelConnection) throws -> Entrances {
        Entrances(reachability: Reachability(try kernel.readHost(), topology: topology, listeners: listeners))
    }

    /// An audit of it, with everything that the policy knows to run there, one container of docker0 besides, and every sixth
    /// listener.
    func audit(_ kernel: inout KernelConnection, _ policy: ResolvedPolicy) throws -> [Entrance] {
        var inventory = policy.inventory
        inventory.networks.append(
            Network(id: "docker0", name: "bridge", bridge: try? InterfaceName("docker0"), subnets: []))
        inventory.containers.append(
            Container(
                id: "bridged", name: "bridged",
                attachments: RandomHost.containers[0].map { Attachment(network: "docker0", $0) },
                publishedPorts: [PortRange(.tcp, 8020...8024), PortRange(.udp, 8010...8012)]))
        return AuditReport(
            Subject(
                rules: try kernel.readHost(), topology: topology, listeners: listeners.filter { $0.port % 6 == 0 },
                inventory: inventory, policy: policy)
        ).entrances
    }

    struct Entrances {
        fileprivate var reachability: Reachability

        mutating func clients(
            _ transport: TransportProtocol, _ address: IPAddress, _ port: UInt16, by interface: String,
            isOnTheWire: Bool
        ) -> Clients {
            let approach = Approach(interface: interface, transport: transport, address: address, port: port)
            let answer = reachability.answer(approach, through: isOnTheWire ? .ingress : .host)
            let stopped = answer.stops.filter { stop, _ in
                switch stop {
                case .routing: true
                case .rule, .policy: false
                }
            }
            return Clients(
                open: answer.open, unknown: answer.unknown,
                notRouted: stopped.values.reduce(AddressSet()) { $0.union($1) },
                doubts: answer.doubts.map(\.reason).sorted())
        }
    }

    struct Clients {
        var open: AddressSet
        var unknown: AddressSet
        /// Whom no rule stops, but the routing: link-local ones, where a packet would have to go on.
        var notRouted: AddressSet
        var doubts: [String]
    }
}
