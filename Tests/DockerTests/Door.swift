import Addressing
import TestSupport
import Testing

/// A published port, as a client may dial it.
struct Door {
    var kind: Probe.Kind
    var destination: String
    /// Who is behind it.
    var container: String
    /// In which modes somebody answers there.
    var modes: [Mode]
    /// The client's interface on the host is ext1.
    var isOther = false

    init(
        _ destination: String, _ container: String, over kind: Probe.Kind = .tcp, in modes: [Mode] = Mode.allCases,
        other isOther: Bool = false
    ) {
        self.kind = kind
        self.destination = destination
        self.container = container
        self.modes = modes
        self.isOther = isOther
    }

    private var family: AddressFamily { destination.hasPrefix("[") ? .ipv6 : .ipv4 }
    private var place: Place { isOther ? .otherClient : .client }

    /// From an address on the list.
    func probeOfAllowed(in mode: Mode) -> Probe? {
        guard modes.contains(mode) else { return nil }
        let source: String =
            switch (family, isOther) {
            case (.ipv4, false): Office.allowed4
            case (.ipv6, false): Office.allowed6
            case (.ipv4, true): Office.otherAllowed4
            case (.ipv6, true): Office.otherAllowed6
            }
        return Probe(kind, from: source, to: destination, at: place, expect: .answered(by: container))
    }

    /// From an address off the list.
    var probeOfRefused: Probe {
        let source: String =
            switch (family, isOther) {
            case (.ipv4, false): Office.refused4
            case (.ipv6, false): Office.refused6
            case (.ipv4, true): Office.otherRefused4
            case (.ipv6, true): Office.otherRefused6
            }
        return Probe(kind, from: source, to: destination, at: place, expect: .silent)
    }

    /// Without docker-proxy, 20.10 takes IPv6 connections to a port that it has reserved, at most, and says nothing.
    private static let proxied = Mode.allCases.filter(\.hasProxy)

    /// All that the policy names, on every way in.
    static let named: [Door] = [
        Door("192.0.2.1:8081", "django"),
        Door("192.0.2.1:8081", "django", over: .udp),
        // Other addresses of the host: its other card, and the bridge.
        Door("198.51.100.1:8081", "django"),
        Door("172.17.0.1:8081", "django"),
        Door("172.31.0.1:8061", "both"),
        // Two host ports of one container port, of which the policy lets nobody into the other.
        Door("192.0.2.1:8088", "two"),
        Door("192.0.2.1:8082", "pinned"),
        // Published on ext1's address, dialled through ext0.
        Door("198.51.100.1:8083", "elsewhere"),
        Door("192.0.2.1:8086", "shop"),
        Door("192.0.2.1:8061", "both"),
        Door("192.0.2.1:8061", "both", over: .udp),
        // A network without IPv6, by the host's IPv6 address.
        Door("[2001:db8:1::1]:8081", "django", in: proxied),
        Door("[2001:db8:1::1]:8081", "django", over: .udp, in: proxied),
        Door("[2001:db8:1::1]:8088", "two", in: proxied),
        Door("[2001:db8:2::1]:8081", "django", in: proxied),
        Door("[2001:db8:1::1]:8086", "shop", in: proxied),
        // A network with it.
        Door("[2001:db8:1::1]:8061", "both", in: proxied),
        Door("[2001:db8:1::1]:8061", "both", over: .udp, in: proxied),
        Door("[2001:db8:1::1]:8062", "pinned6", in: proxied),
        Door("192.0.2.1:8090", "hostapp"),
        Door("192.0.2.1:8090", "hostapp", over: .udp),
        Door("[2001:db8:1::1]:8090", "hostapp"),
        Door("[2001:db8:1::1]:8090", "hostapp", over: .udp),
        Door("192.0.2.1:8081", "django", other: true),
        Door("198.51.100.1:8081", "django", over: .udp, other: true),
        Door("198.51.100.1:8083", "elsewhere", other: true),
        Door("198.51.100.1:8090", "hostapp", other: true),
        Door("[2001:db8:2::1]:8081", "django", in: proxied, other: true),
        Door("[2001:db8:1::1]:8081", "django", in: proxied, other: true),
        Door("[2001:db8:2::1]:8061", "both", in: proxied, other: true),
        Door("[2001:db8:2::1]:8090", "hostapp", other: true),
    ]

    /// What nobody may use, whoever it is: a port of the policy that allows nobody, and containers' own addresses.
    static func closedToAll(_ docker: RealDocker) throws -> [Probe] {
        var probes: [Probe] = []
        for (source4, source6) in [(Office.allowed4, Office.allowed6), (Office.refused4, Office.refused6)] {
            let django = try docker.address(of: "django")
            let peer = try docker.address(of: "peer")
            let pinned = try docker.address(of: "pinned")
            let shop = try docker.address(of: "shop")
            for destination in [
                "192.0.2.1:8089", "198.51.100.1:8089", "172.17.0.1:8089", "\(django):80", "\(django):9000",
                "\(peer):8081",
                "\(pinned):80", "\(shop):80",
            ] {
                probes.append(Probe(from: source4, to: destination, expect: .silent))
            }
            probes.append(Probe(.udp, from: source4, to: "\(django):80", expect: .silent))
            probes.append(Probe(.ping, from: source4, to: django, expect: .silent))
            // The first container of the network has its second address.
            for destination in ["[2001:db8:1::1]:8089", "[2001:db8:6::2]:80", "[2001:db8:6::2]:9000"] {
                probes.append(Probe(from: source6, to: destination, expect: .silent))
            }
            probes.append(Probe(.udp, from: source6, to: "[2001:db8:6::2]:80", expect: .silent))
        }
        // From the link itself, which no list has.
        for port: UInt16 in [8081, 8061, 8090] {
            probes.append(Probe(from: "fe80::10%eth0", to: "fe80::1%eth0", port: port, expect: .silent))
        }
        return probes
    }

    /// Everything that must stay closed to clients that are not on the list.
    static func expectRefusal(_ docker: RealDocker, after event: String = "") throws {
        try docker.host.expect(named.map(\.probeOfRefused) + closedToAll(docker), "\(event)")
    }

    static func expectEntry(_ docker: RealDocker, _ mode: Mode = .standard, after event: String = "") throws {
        try docker.host.expect(named.compactMap { $0.probeOfAllowed(in: mode) }, "\(event)")
    }
}
