import Addressing
import TestSupport
import Testing

/// One at a time: a small machine runs several daemons already.
@Suite(.serialized, .requiresPodman) struct `A real Podman` {
    /// What the refusals below are to be measured by.
    @Test func `leaves its containers open to everybody, at their own addresses too`() throws {
        try PodmanSite.with(policy: nil, containers: [PodmanSite.web, PodmanSite.both]) { podman, _ in
            let own4 = try PodmanSite.endpoint(podman, "web:9000")
            let own6 = try PodmanSite.endpoint(podman, "both:9000", .ipv6)
            try podman.host.expect([
                Probe(from: Office.refused4, to: "192.0.2.1:8081", expect: .answered(by: "web")),
                Probe(from: Office.refused6, to: "[2001:db8:1::1]:8061", expect: .answered(by: "both")),
                Probe(from: Office.refused4, to: own4, expect: .answered(by: "web")),
                Probe(from: Office.refused6, to: own6, expect: .answered(by: "both")),
                // Of a network without IPv6 there is nothing to reach over it, and no proxy that would answer.
                Probe(from: Office.refused6, to: "[2001:db8:1::1]:8081", expect: .refused),
            ])
        }
    }

    @Test func `behind a policy lets in who is on the list and nobody else, on every way in`() throws {
        try PodmanSite.with { podman, _ in
            try PodmanSite.expectEntry(podman)
            try PodmanSite.expectRefusal(podman)
            try expectInsideUntouched(podman)
            // Last, for the client cannot be used for much after it.
            try podman.host.routeLoopbackToHost()
            try podman.host.expect([
                Probe(from: Office.refused4, to: "127.0.0.1:8081", expect: .silent),
                Probe(from: Office.allowed4, to: "127.0.0.1:8081", expect: .silent),
                Probe(from: Office.refused4, to: "127.0.0.1:8199", expect: .silent),
            ])
        }
    }

    @Test func `stays behind the policy whatever it does itself, or others do to its rules`() throws {
        try PodmanSite.with { podman, installation in
            try podman.restart(PodmanSite.web)
            try PodmanSite.expectEntry(podman, after: "podman restart")
            try PodmanSite.expectRefusal(podman, after: "podman restart")
            let before = try podman.address(of: "both")
            try podman.podman("rm", "--force", "--time", "0", "both")
            try podman.run(Container("usurper", on: .podman1))
            try podman.run(PodmanSite.both)
            #expect(try podman.address(of: "both") != before, "it is to come back with another address")
            try PodmanSite.expectEntry(podman, after: "podman rm and run")
            try PodmanSite.expectRefusal(podman, after: "podman rm and run")
            try podman.podman("network", "create", "podman2")
            try podman.run(Container("late", on: Bridge("podman2", ""), publish: ["8085:80"]))
            try podman.host.expect(
                [Probe(from: Office.allowed4, to: "192.0.2.1:8085", expect: .silent)], "a network made since")
            try podman.host.run("iptables", "-t", "nat", "-F").orThrow()
            try podman.host.run("ip6tables", "-t", "nat", "-F").orThrow()
            // conmon listens on what its container publishes, and never answers: by the handshake alone one sees who may.
            try podman.host.expect(
                [
                    Probe(from: Office.allowed4, to: "192.0.2.1:8081", expect: .connected),
                    Probe(from: Office.refused4, to: "192.0.2.1:8081", expect: .silent),
                    // Of a port that no service names it is a socket as any of the machine's, with nobody behind it.
                    Probe(from: Office.refused4, to: "192.0.2.1:8199", expect: .connected),
                ], "iptables -t nat -F")
            try podman.podman("network", "reload", "--all")
            try PodmanSite.expectEntry(podman, after: "podman network reload")
            try PodmanSite.expectRefusal(podman, after: "podman network reload")
            let status = try installation.run("status")
            #expect(status.status == 0, "nobody has touched our table: \(status)")
        }
    }

    /// What does not come from outside.
    private func expectInsideUntouched(_ podman: RealPodman) throws {
        try podman.host.serve("internet", at: .otherClient, on: 8081)
        try podman.host.namespace.set(["net/ipv4/ping_group_range": "0 2147483647"])
        let (web, both) = (try podman.enter("web"), try podman.enter("both"))
        let (inside, peer) = (try podman.address(of: "web"), try podman.address(of: "peer"))
        let (abroad, abroad6) = (try podman.address(of: "both"), try podman.address(of: "both", .ipv6))
        try podman.host.expect([
            // Egress to a port whose number is published here, and between containers of a bridge.
            Probe(from: inside, to: "198.51.100.140:8081", at: web, expect: .answered(by: "internet")),
            Probe(.udp, from: inside, to: "198.51.100.140:8081", at: web, expect: .answered(by: "internet")),
            Probe(from: abroad6, to: "[2001:db8:20::7]:8081", at: both, expect: .answered(by: "internet")),
            Probe(from: inside, to: "\(peer):8081", at: web, expect: .answered(by: "peer")),
            // A published port from within: of the same bridge, and of the other one.
            Probe(from: inside, to: "192.0.2.1:8088", at: web, expect: .answered(by: "two")),
            Probe(from: abroad, to: "192.0.2.1:8081", at: both, expect: .answered(by: "web")),
            Probe(from: abroad6, to: "[2001:db8:1::1]:8062", at: both, expect: .answered(by: "pinned6")),
            // The host to its own.
            Probe(from: "127.0.0.1", to: "127.0.0.1:8081", at: .host, expect: .answered(by: "web")),
            Probe(from: "192.0.2.1", to: "192.0.2.1:8081", at: .host, expect: .answered(by: "web")),
            Probe(from: "10.88.0.1", to: "\(inside):80", at: .host, expect: .answered(by: "web")),
        ])
    }
}
