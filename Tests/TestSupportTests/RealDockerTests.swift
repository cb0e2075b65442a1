import Addressing
import TestSupport
import Testing

@Suite(.serialized, .requiresDocker) struct `A real Docker without our firewall` {
    static let containers = [
        Container("django", publish: ["8081:80", "8081:80/udp"], listening: ["9000"]),
        Container("two", publish: ["8088:80", "8089:80"]),
        Container("pinned", publish: ["192.0.2.1:8082:80"]),
        Container("shop", on: .user, publish: ["8086:80"]),
        Container("both", on: .dual, publish: ["8061:80", "8061:80/udp"]),
    ]

    @Test(arguments: [[], ["--ip6tables", "--experimental"]])
    func `every published port answers a client outside`(flags: [String]) throws {
        try RealDocker.with(flags) { docker in
            try docker.createNetwork(.user)
            try docker.createNetwork(.dual)
            for container in Self.containers { try docker.run(container) }
            try docker.run(Container("hostapp", listening: ["8090"]), options: ["--network", "host"])
            try docker.host.expect([
                Probe(from: "203.0.113.7", to: "192.0.2.1:8081", expect: .answered(by: "django")),
                Probe(.udp, from: "203.0.113.7", to: "192.0.2.1:8081", expect: .answered(by: "django")),
                Probe(from: "203.0.113.7", to: "172.17.0.1:8081", expect: .answered(by: "django")),
                Probe(from: "198.51.100.10", to: "192.0.2.1:8081", at: .otherClient, expect: .answered(by: "django")),
                Probe(from: "203.0.113.7", to: "192.0.2.1:8088", expect: .answered(by: "two")),
                Probe(from: "203.0.113.7", to: "192.0.2.1:8089", expect: .answered(by: "two")),
                Probe(from: "203.0.113.7", to: "192.0.2.1:8082", expect: .answered(by: "pinned")),
                Probe(from: "203.0.113.7", to: "198.51.100.1:8082", expect: .refused),
                Probe(from: "203.0.113.7", to: "192.0.2.1:8086", expect: .answered(by: "shop")),
                Probe(from: "203.0.113.7", to: "192.0.2.1:8061", expect: .answered(by: "both")),
                // docker-proxy: a v4-only network, over the host's v6 address.
                Probe(from: "2001:db8:10::7", to: "[2001:db8:1::1]:8081", expect: .answered(by: "django")),
                Probe(.udp, from: "2001:db8:10::7", to: "[2001:db8:1::1]:8081", expect: .answered(by: "django")),
                Probe(from: "2001:db8:10::7", to: "[2001:db8:1::1]:8061", expect: .answered(by: "both")),
                Probe(.udp, from: "2001:db8:10::7", to: "[2001:db8:1::1]:8061", expect: .answered(by: "both")),
                Probe(from: "203.0.113.7", to: "192.0.2.1:8090", expect: .answered(by: "hostapp")),
                // A direct route to a container.
                Probe(from: "203.0.113.7", to: "172.17.0.2:80", expect: .answered(by: "django")),
                Probe(from: "203.0.113.7", to: "172.17.0.2:9000", expect: .silent),
            ])
            try docker.stopDaemon()
            try docker.host.expect([Probe(from: "203.0.113.7", to: "192.0.2.1:8081", expect: .refused)])
            try docker.startDaemon()
            try docker.restart(Self.containers[0])
            try docker.host.expect([Probe(from: "203.0.113.7", to: "192.0.2.1:8081", expect: .answered(by: "django"))])
        }
    }

    @Test func `nothing is left when a test throws`() throws {
        struct Stop: Error { let directory: String }
        let stop = #expect(throws: Stop.self) {
            try RealDocker.with { docker in
                try docker.run(Container("django", publish: ["8081:80"]))
                throw Stop(directory: String(docker.socket.split(separator: "/").dropLast().last ?? ""))
            }
        }
        let name = try #require(stop).directory
        for trace in ["/proc/self/mountinfo", "/proc/self/mounts"] {
            let mounts = try Program(["grep", name, trace]).run().output
            #expect(mounts == "")
        }
        let found = try Program(["find", "/sys/fs/cgroup", "/run/netns", "-maxdepth", "2", "-name", "\(name)*"]).run()
        #expect(found.output == "")
        #expect(try Program(["pgrep", "-f", name]).run().status == 1)
    }

    @Test func `streams flow both ways on every path`() throws {
        try RealDocker.with { docker in
            let db = Container("db", publish: ["5432:5432", "5432:5432/udp"])
            try docker.run(db, serving: .bench)
            let streams = [
                try docker.host.stream(.tcp, from: "203.0.113.7", to: "192.0.2.1:5432"),
                try docker.host.stream(.udp, from: "203.0.113.7", to: "192.0.2.1:5432"),
                // By docker-proxy.
                try docker.host.stream(.tcp, from: "2001:db8:10::7", to: "[2001:db8:1::1]:5432"),
                try docker.host.stream(.udp, from: "2001:db8:10::7", to: "[2001:db8:1::1]:5432"),
            ]
            for stream in streams { #expect(stream.flow(during: .milliseconds(100)).isFlowingBothWays) }
        }
    }

    @Test func `without docker-proxy the host's v6 address answers nobody`() throws {
        try RealDocker.with(["--userland-proxy=false"]) { docker in
            try docker.run(Container("django", publish: ["8081:80"]))
            try docker.host.expect([
                Probe(from: "203.0.113.7", to: "192.0.2.1:8081", expect: .answered(by: "django")),
                Probe(from: "2001:db8:10::7", to: "[2001:db8:1::1]:8081", expect: .refused),
            ])
        }
    }

    @Test func `without iptables docker-proxy answers`() throws {
        try RealDocker.with(["--iptables=false"]) { docker in
            try docker.run(Container("django", publish: ["8081:80"]))
            try docker.host.expect([
                Probe(from: "203.0.113.7", to: "192.0.2.1:8081", expect: .answered(by: "django")),
                Probe(from: "2001:db8:10::7", to: "[2001:db8:1::1]:8081", expect: .answered(by: "django")),
            ])
            #expect(try docker.host.run("iptables", "-S", "DOCKER-USER").status == 1)
        }
    }

    /// What DockerEngine writes after a recording is held against the real thing, where this machine has that version.
    @Test(.enabled(if: try Program(["dockerd", "--version"]).run().output.contains("20.10.24")))
    func `the recorded engine's rules are the real engine's`() throws {
        func rules(_ host: DockerHost) throws -> Set<String> {
            let saved = try host.run("iptables-save").orThrow()
            return Set(
                saved.split(separator: "\n").filter { !$0.hasPrefix("#") }.map { String($0.prefix { $0 != "[" }) })
        }
        let containers = Self.containers + [Container("loopback", publish: ["127.0.0.1:8084:80"])]
        let real = try RealDocker.with { docker in
            try docker.createNetwork(.user)
            try docker.createNetwork(.dual)
            for container in containers { try docker.run(container) }
            return try rules(docker.host)
        }
        let ours = try DockerHost.with(.iptables20, containers) { try rules($0) }
        #expect(real.count > 40)
        #expect(real.subtracting(ours) == [])
        #expect(ours.subtracting(real) == [])
    }
}
