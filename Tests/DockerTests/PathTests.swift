import TestSupport
import Testing

extension `A real Docker` {
    @Suite struct `behind a policy` {
        @Test(arguments: Mode.allCases)
        func `every published port lets in who is on the list and nobody else, on every way in`(mode: Mode) throws {
            try Site.with(mode) { docker, _ in
                try Door.expectEntry(docker, mode)
                try Door.expectRefusal(docker)
                try expectInsideUntouched(docker, mode)
                // Last, for the client cannot be used for much after it.
                try docker.host.routeLoopbackToHost()
                try docker.host.expect([
                    Probe(from: Office.refused4, to: "127.0.0.1:8081", expect: .silent),
                    Probe(from: Office.allowed4, to: "127.0.0.1:8081", expect: .silent),
                    Probe(from: Office.refused4, to: "127.0.0.1:8199", expect: .silent),
                ])
            }
        }

        /// The one door that host ports alone cannot close: docker-proxy listens as any process of the host does.
        @Test(arguments: Mode.allCases)
        func `a port that no service names is open through docker-proxy, unless the host is closed too`(mode: Mode)
            throws
        {
            let doors = [
                (source: Office.refused4, destination: "192.0.2.1:8199", isProxied: mode == .withoutIptables),
                (source: Office.refused6, destination: "[2001:db8:1::1]:8199", isProxied: mode.hasProxy),
            ]
            try Site.with(mode, containers: Site.containers.filter { $0.name == "forgotten" }) { docker, installation in
                try docker.host.expect(
                    doors.map { door in
                        let nobody: Outcome = door.destination.hasPrefix("[") ? .refused : .silent
                        return Probe(
                            from: door.source, to: door.destination,
                            expect: door.isProxied ? .answered(by: "forgotten") : nobody)
                    })
                try installation.apply(Site.policyForTheHostToo)
                try docker.host.expect(doors.map { Probe(from: $0.source, to: $0.destination, expect: .silent) })
                // It cost nobody else anything.
                try docker.host.expect([
                    Probe(from: Office.allowed4, to: "192.0.2.1:8090", expect: .answered(by: "hostapp")),
                    Probe(from: "127.0.0.1", to: "127.0.0.1:8199", at: .host, expect: .answered(by: "forgotten")),
                ])
            }
        }

        /// What does not come from outside.
        private func expectInsideUntouched(_ docker: RealDocker, _ mode: Mode) throws {
            try docker.host.serve("internet", at: .otherClient, on: 8081)
            try docker.host.namespace.set(["net/ipv4/ping_group_range": "0 2147483647"])
            let django = try docker.enter("django")
            let shop = try docker.enter("shop")
            let inside = try docker.address(of: "django")
            let peer = try docker.address(of: "peer")
            let abroad = try docker.address(of: "shop")
            var probes = [
                // Egress to a port whose number is published here, between containers of a bridge, and to the host.
                Probe(from: inside, to: "198.51.100.140:8081", at: django, expect: .answered(by: "internet")),
                Probe(.udp, from: inside, to: "198.51.100.140:8081", at: django, expect: .answered(by: "internet")),
                Probe(from: abroad, to: "198.51.100.140:8081", at: shop, expect: .answered(by: "internet")),
                Probe(from: inside, to: "\(peer):8081", at: django, expect: .answered(by: "peer")),
                Probe(from: inside, to: "172.17.0.1:8090", at: django, expect: .answered(by: "hostapp")),
                Probe(.ping, from: inside, to: "198.51.100.140", at: django, expect: .answered(by: "echo")),
                // A published port from within.
                Probe(from: inside, to: "192.0.2.1:8088", at: django, expect: .answered(by: "two")),
                // The host to its own.
                Probe(from: "127.0.0.1", to: "127.0.0.1:8081", at: .host, expect: .answered(by: "django")),
                Probe(from: "192.0.2.1", to: "192.0.2.1:8081", at: .host, expect: .answered(by: "django")),
                Probe(from: "172.17.0.1", to: "\(inside):80", at: .host, expect: .answered(by: "django")),
                Probe(.ping, from: "192.0.2.1", to: "192.0.2.10", at: .host, expect: .answered(by: "echo")),
            ]
            if mode.hasProxy {
                probes += [
                    Probe(from: "::1", to: "[::1]:8081", at: .host, expect: .answered(by: "django")),
                    Probe(from: "2001:db8:1::1", to: "[2001:db8:1::1]:8061", at: .host, expect: .answered(by: "both")),
                    // Docker's own isolation forbids it without the proxy.
                    Probe(from: abroad, to: "192.0.2.1:8081", at: shop, expect: .answered(by: "django")),
                ]
            }
            try docker.host.expect(probes)
        }
    }
}
