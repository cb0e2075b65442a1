import TestSupport
import Testing

extension `A real Docker` {
    @Suite struct `while it and others change things` {
        /// The policy is applied on a host that has never seen Docker; `Site.with` sees to that.
        @Test func `refused clients stay refused whatever happens, and allowed ones are back when Docker is`() throws {
            try Site.with { docker, installation in
                try Door.expectRefusal(docker, after: "the start")
                try docker.docker("network", "create", "-o", "com.docker.network.bridge.name=br-new", "new")
                try Door.expectRefusal(docker, after: "docker network create")
                try docker.run(Container("late", publish: ["8085:80"]), options: ["--network", "new"])
                try docker.host.expect(
                    [Probe(from: Office.refused4, to: "192.0.2.1:8085", expect: .silent)],
                    "a port on a network made since")
                try docker.docker("rm", "-f", "late")
                try docker.docker("network", "rm", "new")
                try Door.expectRefusal(docker, after: "docker network rm")
                try docker.restart(Site.containers[0])
                try Door.expectRefusal(docker, after: "docker restart")
                try Door.expectEntry(docker, after: "docker restart")
                try docker.host.run("iptables", "-F").orThrow()
                try Door.expectRefusal(docker, after: "iptables -F")
                try docker.host.run("iptables", "-t", "nat", "-F").orThrow()
                try Door.expectRefusal(docker, after: "iptables -t nat -F")
                // As one who flushes does it who wants everything open.
                try docker.host.run("iptables", "-P", "FORWARD", "ACCEPT").orThrow()
                try Door.expectRefusal(docker, after: "iptables -P FORWARD ACCEPT")
                try docker.stopDaemon()
                try docker.host.expect(Door.named.map(\.probeOfRefused), "dockerd stopped")
                try docker.startDaemon()
                for container in Site.containers + [Site.hostContainer] { try docker.restart(container) }
                try Door.expectRefusal(docker, after: "dockerd's restart")
                try Door.expectEntry(docker, after: "dockerd's restart")
                let status = try installation.run("status")
                #expect(status.status == 0, "nobody has touched our table: \(status)")
            }
        }
    }
}
