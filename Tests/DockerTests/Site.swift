import TestSupport

/// What runs on the Docker host of these tests, and the policy that is in force there.
enum Site {
    static let containers = [
        Container("django", publish: ["8081:80", "8081:80/udp"], listening: ["9000"]),
        Container("two", publish: ["8088:80", "8089:80"]),
        Container("pinned", publish: ["192.0.2.1:8082:80"]),
        Container("elsewhere", publish: ["198.51.100.1:8083:80"]),
        Container("shop", on: .user, publish: ["8086:80"]),
        Container("both", on: .dual, publish: ["8061:80", "8061:80/udp"], listening: ["9000"]),
        Container("pinned6", on: .dual, publish: ["[2001:db8:1::1]:8062:80"]),
        // Published, and in no policy.
        Container("forgotten", publish: ["8199:80"]),
        // Not published. Its port has the number of a published one.
        Container("peer", listening: ["8081"]),
    ]
    static let hostContainer = Container("hostapp", listening: ["8090", "8090/udp"])

    static let policy = """
        version: 1
        groups:
          office: [203.0.113.0/28, "2001:db8:10::/64", 198.51.100.10, "2001:db8:20::/64"]
        services:
          django: { publish: [8081, 8081/udp], allow: [office] }
          first: { publish: 8088, allow: [office] }
          second: { publish: 8089, allow: nobody }
          pinned: { publish: 8082, on: [192.0.2.1], allow: [office] }
          elsewhere: { publish: 8083, allow: [office] }
          shop: { publish: 8086, allow: [office] }
          both: { publish: [8061, 8061/udp], allow: [office] }
          pinned6: { publish: 8062, on: ["2001:db8:1::1"], allow: [office] }
          hostapp: { publish: [8090, 8090/udp], allow: [office] }

        """

    /// The same, with the machine's own ports closed but for what it names.
    static let policyForTheHostToo = policy + "host: { otherwise: drop }\n"

    /// Runs `body` on a host where the policy came first, before there were bridges, and Docker and the containers after it.
    static func with(
        _ mode: Mode = .standard, policy: String = policy, containers: [Container] = containers,
        _ body: (RealDocker, Installation) throws -> Void
    ) throws {
        try DockerHost.with { host in
            try Installation.with(host.namespace) { installation in
                try installation.apply(policy)
                try RealDocker.with(on: host, mode.flags) { docker in
                    try docker.createNetwork(.user)
                    try docker.createNetwork(.dual)
                    for container in containers { try docker.run(container) }
                    try docker.run(hostContainer, options: ["--network", "host"])
                    try body(docker, installation)
                }
            }
        }
    }
}
