import Addressing
import TestSupport
import Testing

/// What runs under Podman in these tests, and the policy that is in force there.
enum PodmanSite {
    static let web = Container("web", on: .podman0, publish: ["8081:80", "8081:80/udp"], listening: ["9000"])
    static let both = Container(
        "both", on: .podman1, publish: ["8061:80", "8061:80/udp"], listening: ["9000"])
    static let containers = [
        web,
        // Two host ports of one container port, of which the policy lets nobody into the other.
        Container("two", on: .podman0, publish: ["8088:80", "8089:80"]),
        Container("pinned", on: .podman0, publish: ["192.0.2.1:8082:80"]),
        // Published on ext1's address, dialled through ext0 too.
        Container("elsewhere", on: .podman0, publish: ["198.51.100.1:8083:80"]),
        both,
        Container("pinned6", on: .podman1, publish: ["[2001:db8:1::1]:8062:80"]),
        // Published, and in no policy.
        Container("forgotten", on: .podman0, publish: ["8199:80"]),
        Container("forgotten6", on: .podman1, publish: ["8198:80"]),
        // Not published. Its port has the number of a published one.
        Container("peer", on: .podman0, listening: ["8081"]),
    ]

    static let policy = """
        version: 1
        groups:
          office: [203.0.113.0/28, "2001:db8:10::/64", 198.51.100.10]
        services:
          web: { publish: [8081, 8081/udp], allow: [office] }
          first: { publish: 8088, allow: [office] }
          second: { publish: 8089, allow: nobody }
          pinned: { publish: 8082, on: [192.0.2.1], allow: [office] }
          elsewhere: { publish: 8083, allow: [office] }
          both: { publish: [8061, 8061/udp], allow: [office] }
          pinned6: { publish: 8062, on: ["2001:db8:1::1"], allow: [office] }

        """

    /// Where a client of the list is let in, and who is there.
    static let doors: [(kind: Probe.Kind, destination: String, container: String)] = [
        (.tcp, "192.0.2.1:8081", "web"), (.udp, "192.0.2.1:8081", "web"),
        // Other addresses of the host: its other card, and the bridge.
        (.tcp, "198.51.100.1:8081", "web"), (.tcp, "10.88.0.1:8081", "web"),
        (.tcp, "192.0.2.1:8088", "two"), (.tcp, "192.0.2.1:8082", "pinned"), (.tcp, "198.51.100.1:8083", "elsewhere"),
        (.tcp, "192.0.2.1:8061", "both"), (.udp, "192.0.2.1:8061", "both"),
        (.tcp, "[2001:db8:1::1]:8061", "both"), (.udp, "[2001:db8:1::1]:8061", "both"),
        (.tcp, "[2001:db8:2::1]:8061", "both"), (.tcp, "[2001:db8:1::1]:8062", "pinned6"),
    ]

    static func expectEntry(_ podman: RealPodman, after event: String = "the start") throws {
        let probes = doors.map { door in
            Probe(
                door.kind, from: door.destination.hasPrefix("[") ? Office.allowed6 : Office.allowed4,
                to: door.destination,
                expect: .answered(by: door.container))
        }
        let other = Probe(
            from: Office.otherAllowed4, to: "198.51.100.1:8081", at: .otherClient, expect: .answered(by: "web"))
        try podman.host.expect(probes + [other], "after \(event)")
    }

    /// What a client off the list tries, and what nobody may use: unlisted ports, and containers' own addresses.
    static func expectRefusal(_ podman: RealPodman, after event: String = "the start") throws {
        var probes = doors.map { door in
            Probe(
                door.kind, from: door.destination.hasPrefix("[") ? Office.refused6 : Office.refused4,
                to: door.destination,
                expect: .silent)
        }
        probes.append(Probe(from: Office.otherRefused4, to: "198.51.100.1:8081", at: .otherClient, expect: .silent))
        probes += try closedToAll(podman)
        try podman.host.expect(probes, "after \(event)")
    }

    private static func closedToAll(_ podman: RealPodman) throws -> [Probe] {
        var closed4 = ["192.0.2.1:8089", "192.0.2.1:8199", "192.0.2.1:8198"]
        closed4 += try ["web:80", "web:9000", "peer:8081", "both:80"].map { try endpoint(podman, $0) }
        var closed6 = ["[2001:db8:1::1]:8198"]
        closed6 += try ["both:80", "both:9000"].map { try endpoint(podman, $0, .ipv6) }
        let web = try podman.address(of: "web")
        var probes: [Probe] = []
        for (source4, source6) in [(Office.allowed4, Office.allowed6), (Office.refused4, Office.refused6)] {
            probes += closed4.map { Probe(from: source4, to: $0, expect: .silent) }
            probes += closed6.map { Probe(from: source6, to: $0, expect: .silent) }
            probes.append(Probe(.udp, from: source4, to: "\(web):80", expect: .silent))
            probes.append(Probe(.ping, from: source4, to: web, expect: .silent))
        }
        return probes
    }

    /// `both:80` by the container's own address.
    static func endpoint(
        _ podman: RealPodman, _ text: String, _ family: AddressFamily = .ipv4
    ) throws -> String {
        let parts = text.split(separator: ":").map(String.init)
        let address = try podman.address(of: parts[0], family)
        return family == .ipv4 ? "\(address):\(parts[1])" : "[\(address)]:\(parts[1])"
    }

    /// Runs `body` on a host where the policy came first, and Podman's networks and containers after it.
    static func with(
        policy: String? = policy, containers: [Container] = containers,
        _ body: (RealPodman, Installation) throws -> Void
    ) throws {
        try DockerHost.with { host in
            try Installation.with(host.namespace) { installation in
                if let policy { try installation.apply(policy) }
                try RealPodman.with(on: host) { podman in
                    try podman.createNetwork(.podman1)
                    for container in containers { try podman.run(container) }
                    try body(podman, installation)
                }
            }
        }
    }
}
