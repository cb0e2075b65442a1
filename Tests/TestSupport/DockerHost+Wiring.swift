import Addressing

extension DockerHost {
    /// Links, addresses and routes. Hardware addresses are the kernel's choice, duplicate address detection is off, so that
    /// everything can be used at once.
    func wire() throws {
        let usableAtOnce: KeyValuePairs = [
            "net/ipv6/conf/all/accept_dad": "0", "net/ipv6/conf/default/accept_dad": "0",
            "net/ipv6/conf/default/accept_ra": "0",
        ]
        try namespace.set(usableAtOnce)
        // Debian leaves rp_filter off.
        try namespace.set([
            "net/ipv4/ip_forward": "1", "net/ipv6/conf/all/forwarding": "1", "net/ipv4/conf/all/rp_filter": "0",
            "net/ipv4/conf/default/rp_filter": "0",
        ])
        for outside in [client, otherClient] {
            try outside.set(usableAtOnce)
            // Ping sockets for everyone, and every address of a prefix for binding.
            try outside.set([
                "net/ipv4/ping_group_range": "0 2147483647", "net/ipv6/ip_nonlocal_bind": "1",
                "net/ipv4/ip_nonlocal_bind": "1",
            ])
        }
        try namespace.ip(hostCommands())
        try client.ip(
            Self.outsideCommands(
                v4: ["192.0.2.10/24", "192.0.2.66/24"], v6: ["2001:db8:1::10/64", "2001:db8:1::66/64", "fe80::10/64"],
                gateways: ["192.0.2.1", "2001:db8:1::1"],
                owning: ["192.0.2.128/25", "203.0.113.0/24", "2001:db8:10::/48"]))
        try otherClient.ip(
            Self.outsideCommands(
                v4: ["198.51.100.10/24", "198.51.100.66/24"],
                v6: ["2001:db8:2::10/64", "2001:db8:2::66/64", "fe80::20/64"],
                gateways: ["198.51.100.1", "2001:db8:2::1"], owning: ["198.51.100.128/25", "2001:db8:20::/48"]))
        for attachment in attachments {
            let inside = try namespace(of: .container(attachment.container.name))
            try inside.set(usableAtOnce)
            try inside.set(["net/ipv4/ping_group_range": "0 2147483647"])
            try inside.ip(Self.containerCommands(attachment))
        }
    }

    private func hostCommands() throws -> String {
        var commands = """
            link add ext0 type veth peer name eth0 netns \(client.name)
            link add ext1 type veth peer name eth0 netns \(otherClient.name)
            link set ext0 up
            link set ext1 up
            addr add 192.0.2.1/24 dev ext0
            addr add 2001:db8:1::1/64 dev ext0 nodad
            addr add fe80::1/64 dev ext0 nodad
            addr add 198.51.100.1/24 dev ext1
            addr add 2001:db8:2::1/64 dev ext1 nodad
            addr add fe80::2/64 dev ext1 nodad
            route add 192.0.2.128/25 via 192.0.2.10
            route add 203.0.113.0/24 via 192.0.2.10
            route add 198.51.100.128/25 via 198.51.100.10
            route add default via 192.0.2.10
            route add 2001:db8:10::/48 via 2001:db8:1::10
            route add 2001:db8:20::/48 via 2001:db8:2::10
            route add default via 2001:db8:1::10

            """
        for bridge in attachments.bridges(.ipv4) {
            commands += "link add \(bridge.name) type bridge\nlink set \(bridge.name) up\n"
            commands += "addr add \(try bridge.address4(1))/\(Bridge.length(of: bridge.network4)) dev \(bridge.name)\n"
            if let network6 = bridge.network6, let address = try bridge.address6(1) {
                commands += "addr add \(address)/\(Bridge.length(of: network6)) dev \(bridge.name) nodad\n"
            }
        }
        for (number, attachment) in attachments.enumerated() {
            let peer = try namespace(of: .container(attachment.container.name)).name
            commands += "link add veth\(number) type veth peer name eth0 netns \(peer)\n"
            commands += "link set veth\(number) master \(attachment.bridge.name) up\n"
        }
        return commands
    }

    private static func outsideCommands(
        v4: [String], v6: [String], gateways: [String], owning prefixes: [String]
    ) -> String {
        var commands = ["link set eth0 up"]
        commands += v4.map { "addr add \($0) dev eth0" }
        commands += v6.map { "addr add \($0) dev eth0 nodad" }
        commands += gateways.map { "route add default via \($0)" }
        commands += prefixes.map { "route add local \($0) dev lo" }
        return commands.joined(separator: "\n") + "\n"
    }

    private static func containerCommands(_ attachment: Attachment) throws -> String {
        let bridge = attachment.bridge
        var commands = """
            link set eth0 up
            addr add \(attachment.address4)/\(Bridge.length(of: bridge.network4)) dev eth0

            """
        if bridge.gateway != .internal { commands += "route add default via \(try bridge.address4(1))\n" }
        if let address = attachment.address6, let network6 = bridge.network6, let gateway = try bridge.address6(1) {
            commands += "addr add \(address)/\(Bridge.length(of: network6)) dev eth0 nodad\n"
            if bridge.gateway != .internal { commands += "route add default via \(gateway)\n" }
        }
        return commands
    }

    /// Lets a client own one more prefix, `"10.20.0.0/16"`: it can send from any address of it, and the host knows the way.
    public func give(_ prefix: String, to place: Place = .client) throws {
        let isV6 = prefix.contains(":")
        let hop =
            place == .otherClient
            ? (isV6 ? "2001:db8:2::10" : "198.51.100.10") : (isV6 ? "2001:db8:1::10" : "192.0.2.10")
        try namespace(of: place).ip("route add local \(prefix) dev lo\n")
        try namespace.ip("route add \(prefix) via \(hop)\n")
    }

    /// Makes the client a hostile neighbour, that sends packets for 127.0.0.0/8 to the host.
    public func routeLoopbackToHost() throws {
        try client.set(["net/ipv4/conf/all/route_localnet": "1"])
        // With the address itself, lo would lose the client's own prefixes too.
        try client.ip(
            """
            route del local 127.0.0.0/8 dev lo table local
            route del local 127.0.0.1 dev lo table local
            route add 127.0.0.0/8 via 192.0.2.1

            """)
    }
}
