internal import Addressing
internal import NftablesKernel

extension Stage {
    /// The kernel of what is not the host has no addresses of its own, and says nothing.
    static let mute: [(name: String, value: String)] = [
        ("ipv6/conf/all/disable_ipv6", "1"), ("ipv6/conf/default/disable_ipv6", "1"),
    ]

    /// A router of the usual kind. A namespace takes over what the machine has set, so all that matters is said.
    static let kernelSettings: [(name: String, value: String)] = [
        ("ipv6/conf/all/disable_ipv6", "0"), ("ipv6/conf/default/disable_ipv6", "0"),
        ("ipv6/conf/all/accept_dad", "0"), ("ipv6/conf/default/accept_dad", "0"),
        ("ipv6/conf/all/accept_ra", "0"), ("ipv6/conf/default/accept_ra", "0"),
        ("ipv4/ip_forward", "1"), ("ipv6/conf/all/forwarding", "1"), ("ipv6/conf/default/forwarding", "1"),
        ("ipv4/conf/all/rp_filter", "0"), ("ipv4/conf/default/rp_filter", "0"),
        ("ipv4/conf/all/arp_ignore", "0"), ("ipv4/conf/default/arp_ignore", "0"),
        ("ipv4/conf/all/arp_filter", "0"), ("ipv4/conf/default/arp_filter", "0"),
        ("ipv4/conf/all/route_localnet", "0"), ("ipv4/conf/default/route_localnet", "0"),
        ("ipv4/conf/all/accept_local", "0"), ("ipv4/conf/default/accept_local", "0"),
        ("ipv4/conf/all/send_redirects", "0"), ("ipv4/conf/default/send_redirects", "0"),
        ("ipv4/icmp_echo_ignore_all", "0"), ("ipv6/icmp/echo_ignore_all", "0"),
        // What goes from one container to another of its bridge is not routed, and no rule for what is routed sees it.
        ("bridge/bridge-nf-call-iptables", "0"), ("bridge/bridge-nf-call-ip6tables", "0"),
        ("bridge/bridge-nf-call-arptables", "0"),
        // Every refusal is told: a limit would make some of them look like silence. Message 255 is none.
        ("ipv4/icmp_ratelimit", "0"), ("ipv4/icmp_ratemask", "0"),
        ("ipv6/icmp/ratelimit", "0"), ("ipv6/icmp/ratemask", "255"),
        // Also with more requests open than a listener holds.
        ("ipv4/tcp_syncookies", "1"),
    ]

    static func wire(
        _ setting: StageSetting, _ ends: Ends, _ host: inout LinkConnection, _ world: inout LinkConnection,
        _ worldDescriptor: Int32
    ) throws(StageError) {
        do throws(NetlinkError) {
            try host.bringUp(1)
            try host.add(.v4(Ends.sentinel), prefixLength: 32, to: 1)
            try wireOutside(setting, ends, &host, &world, worldDescriptor)
            try wireContainers(setting, ends, &host, &world, worldDescriptor)
        } catch {
            throw .link(error)
        }
    }

    private static func wireOutside(
        _ setting: StageSetting, _ ends: Ends, _ host: inout LinkConnection, _ world: inout LinkConnection,
        _ worldDescriptor: Int32
    ) throws(NetlinkError) {
        for (index, interface) in setting.interfaces.enumerated() {
            let (end, other) = (ends.interfaces[index], ends.outside[index])
            try host.addPair(end, other, inNamespace: worldDescriptor)
            try world.bringUp(other.number)
            try host.bringUp(end.number)
            // Alone, without their networks: where an answer goes is decided by how the question came, not by who asked.
            for address in interface.addresses where ends.families.contains(address.family) {
                try host.add(address, prefixLength: address.width, to: end.number)
            }
            for family in ends.families {
                try host.addNeighbour(Ends.gateway(family), at: other.hardwareAddress, on: end.number)
            }
        }
    }

    private static func wireContainers(
        _ setting: StageSetting, _ ends: Ends, _ host: inout LinkConnection, _ world: inout LinkConnection,
        _ worldDescriptor: Int32
    ) throws(NetlinkError) {
        for bridge in ends.bridges {
            try host.addBridge(bridge)
            try host.bringUp(bridge.number)
        }
        for (index, attachment) in ends.attachments.enumerated() {
            let (port, other) = (ends.ports[index], ends.containers[index])
            switch attachment {
            case .wire(let interface):
                try host.addSharing(
                    other, wireOf: ends.interfaces[interface].number, inNamespace: worldDescriptor)
                try world.bringUp(other.number)
            case .bridge(let bridge):
                try host.addPair(port, other, inNamespace: worldDescriptor)
                try host.enslave(port.number, to: ends.bridges[bridge].number)
                try world.bringUp(other.number)
                try host.bringUp(port.number)
            }
        }
        for (index, bridge) in setting.bridges.enumerated() {
            for subnet in bridge.subnets where ends.families.contains(subnet.gateway.family) {
                try host.add(
                    subnet.gateway, prefixLength: subnet.prefixLength, to: ends.bridges[index].number)
            }
        }
        for (index, container) in setting.containers.enumerated() {
            guard case .bridge(let bridge) = ends.attachments[index] else { continue }
            for address in container.addresses where ends.families.contains(address.family) {
                try host.addNeighbour(
                    address, at: ends.containers[index].hardwareAddress, on: ends.bridges[bridge].number)
            }
        }
    }
}

extension IPAddress {
    fileprivate var width: Int {
        switch self {
        case .v4: 32
        case .v6: 128
        }
    }
}
