import Foundation
import Glibc
import TestSupport
import Testing

@Suite(.serialized, .requiresDocker, .requires(.program("python3"))) struct `A watch beside a real Docker` {
    private static let policy = """
        version: 1
        services:
          django: { publish: 8081, allow: [203.0.113.0/24] }
          shop: { container: shop, allow: [203.0.113.0/24, "2001:db8:10::/64"] }

        """

    private func watching(
        _ policy: String = policy, _ flags: [String] = [], _ body: (RealDocker, Installation, Watched) throws -> Void
    ) throws {
        try RealDocker.with(flags) { docker in
            try Installation.with(docker.host.namespace) { installation in
                try installation.write(policy)
                try Watched.with(installation, docker: docker.socket) { try body(docker, installation, $0) }
            }
        }
    }

    /// Whether the kernel has what the policy says of what Docker runs now.
    private func isTrue(_ docker: RealDocker, _ installation: Installation) throws -> Bool {
        try installation.run("diff", "--docker", docker.socket).status == 0
    }

    @Test func `follows containers that come, are renamed, are replaced and go`() throws {
        try watching { docker, installation, watched in
            func follows(_ what: String) throws {
                try watched.wait(for: "the table to follow \(what)") { try isTrue(docker, installation) }
            }
            let entry = Probe(from: "203.0.113.7", to: "192.0.2.1:8086", expect: .answered(by: "shop"))
            let refusal = Probe(from: "192.0.2.66", to: "192.0.2.1:8086", expect: .silent)
            try docker.run(Container("shop", publish: ["8086:80"]))
            try follows("its start")
            try docker.host.expect([entry, refusal], "after its start")
            try docker.docker("rename", "shop", "store")
            try follows("its name")
            try docker.host.expect([Probe(from: "203.0.113.7", to: "192.0.2.1:8086", expect: .silent)], "renamed")
            try docker.docker("rename", "store", "shop")
            try follows("its old name")
            try docker.host.expect([entry, refusal], "after its old name")
            try docker.docker("rm", "-f", "shop")
            try docker.run(Container("other"))
            try docker.run(Container("shop", publish: ["8087:80"]))
            try follows("its successor")
            try docker.host.expect(
                [Probe(from: "203.0.113.7", to: "192.0.2.1:8087", expect: .answered(by: "shop"))], "replaced")
            try docker.docker("rm", "-f", "shop", "other")
            try follows("its end")
            let line = try #require(try watched.lines.last { $0.contains("for Docker: ") })
            #expect(line.contains("shop") || line.contains("other") || line.contains("bridge"), "\(line)")
        }
    }

    @Test func `follows all others while a container that has to run does not`() throws {
        let policy = Self.policy.replacingOccurrences(of: "container: shop,", with: "container: shop, required: true,")
        try watching(policy) { docker, installation, watched in
            try docker.run(Container("shop", publish: ["8086:80"]))
            try watched.wait(for: "its start") { try isTrue(docker, installation) }
            try docker.docker("rm", "-f", "shop")
            try docker.run(Container("late", publish: ["8199:80"]))
            // Over IPv6 docker-proxy serves it.
            try watched.wait(for: "the other's port") { try installation.listing().contains("8199") }
            #expect(try !installation.listing().contains("8086"))
        }
    }

    enum Start: CaseIterable, CustomTestStringConvertible {
        /// `docker run`: Docker begins to start it before anybody can ask what it will publish.
        case madeAndStarted
        case madeBefore

        var testDescription: String { self == .madeBefore ? "docker start" : "docker run" }
    }

    /// What docker-proxy serves comes in as to the machine itself: there the rules must know its port, and learn it from Docker.
    /// The manual says how long that takes, and how to have no need of it: `otherwise: drop`.
    @Test(arguments: Start.allCases, ["", "host: { otherwise: drop }\n"])
    func `closes what nobody named`(start: Start, host: String) throws {
        try watching(Self.policy + host) { docker, installation, watched in
            var gaps: [Double] = []
            for number in 1...3 {
                let late = Container("late\(number)", publish: ["8199:80"])
                if start == .madeBefore {
                    try docker.run(late)
                    try docker.docker("stop", late.name)
                    try watched.wait(for: "its end") { try isTrue(docker, installation) }
                }
                let knocking = try Knocking.start(docker.host, port: 8199, seconds: 3)
                usleep(500_000)
                switch start {
                case .madeAndStarted: try docker.run(late)
                case .madeBefore: try docker.docker("start", late.name)
                }
                let results = try knocking.results()
                let (v4, v6) = (try #require(results["v4"]), try #require(results["v6"]))
                #expect(v4.taken == 0, "translated packets need no answer of Docker's: \(v4)")
                if !host.isEmpty { #expect(v6.taken == 0, "\(v6)") }
                // Two hundred knocks and more a run: whatever the gap was, it is over long before the end.
                #expect(v6.silentAfter > v6.all / 4, "\(v6)")
                gaps.append(v6.gap)
                try docker.docker("rm", "-f", late.name)
            }
            // What is asked when it is made is known in time, unless the machine is too crowded to act on it: once in three it is not.
            if start == .madeBefore { #expect(gaps.contains(0), "\(gaps)") }
            print("\(start.testDescription), machine \(host.isEmpty ? "open" : "closed"): taken over v6 for \(gaps) ms")
        }
    }

    /// Where dockerd has a control group of its own, as under systemd, there is nothing to learn.
    @Test(.requires(.controlGroups))
    func `closes what docker-proxy serves from the first packet, by its control group`() throws {
        try RealDocker.with { docker in
            try ControlGroup.with("\(docker.host.namespace.name).service") { group in
                try docker.stopDaemon()
                try docker.startDaemon(in: group)
                try Installation.with(docker.host.namespace) { installation in
                    try installation.write(Self.policy)
                    try Watched.with(installation, docker: docker.socket) { watched in
                        try watched.wait(for: "the group") { try installation.listing().contains("cgroupv2") }
                        for number in 1...3 {
                            let knocking = try Knocking.start(docker.host, port: 8199, seconds: 3)
                            usleep(500_000)
                            try docker.run(Container("late\(number)", publish: ["8199:80"]))
                            for (family, knocks) in try knocking.results() {
                                #expect(knocks.taken == 0, "\(family): \(knocks)")
                            }
                            try docker.docker("rm", "-f", "late\(number)")
                        }
                        // The group of the next dockerd is another one, and is learnt from it.
                        let before = try installation.listing()
                        try docker.stopDaemon()
                        try group.makeAnew()
                        try docker.startDaemon(in: group)
                        try docker.run(Container("shop", publish: ["8086:80"]))
                        try watched.wait(for: "the next group") {
                            let now = try installation.listing()
                            return now.contains("cgroupv2") && now != before && isKnown(now)
                        }
                    }
                }
                try docker.stopDaemon()
            }
        }
    }

    /// nft lists a group that is gone by its number.
    private func isKnown(_ listing: String) -> Bool { !listing.contains(/cgroupv2 level \d+ \d/) }

    @Test func `keeps the last word while Docker is away, and follows it when it is back`() throws {
        try watching { docker, installation, watched in
            let shop = Container("shop", publish: ["8086:80"])
            try docker.run(shop)
            try watched.wait(for: "its start") { try isTrue(docker, installation) }
            let before = try installation.listing()
            try docker.stopDaemon()
            try watched.wait(for: "a line about Docker") { try watched.text.contains("Docker cannot be asked") }
            try installation.nft("delete", "table", "inet", "dockernft")
            try watched.wait(for: "the table") {
                try !installation.nft("list", "tables").isEmpty && installation.listing().contains("inet dockernft")
            }
            #expect(try watched.sleeps(), "nobody asks for a Docker that shows no sign of life")
            try docker.startDaemon()
            try watched.wait(for: "a line about its return") { try watched.text.contains("Docker is back") }
            try docker.restart(shop)
            try watched.wait(for: "its start") { try isTrue(docker, installation) }
            try docker.host.expect(
                [Probe(from: "203.0.113.7", to: "192.0.2.1:8086", expect: .answered(by: "shop"))], "Docker is back")
            #expect(try before.contains("8086") == installation.listing().contains("8086"))
        }
    }

    @Test func `sleeps while Docker runs and nothing happens`() throws {
        try watching { docker, installation, watched in
            try docker.run(Container("shop", publish: ["8086:80"]))
            try watched.wait(for: "its start") { try isTrue(docker, installation) }
            #expect(try watched.sleeps())
        }
    }

    /// DOCKERNFT_STARTS=1000 for more.
    @Test func `converges after many starts and stops at once, and does not grow`() throws {
        let starts = ProcessInfo.processInfo.environment["DOCKERNFT_STARTS"].flatMap { Int($0) } ?? 60
        try watching { docker, installation, watched in
            let names = (0..<6).map { "c\($0)" }
            for (index, name) in names.enumerated() {
                try docker.docker(
                    "create", "--name", name, "-p", "82\(index)0-82\(index)3:80-83", "--stop-timeout", "0", "bench",
                    "sh", "-c", "exec sleep 86400")
            }
            var sizes: [Int] = []
            for round in 0..<(starts / names.count) {
                for command in [["start"], ["stop", "-t", "0"]] {
                    let clients = try names.map { name in
                        try Program(
                            ["docker", "-H", "unix://\(docker.socket)"] + command + [name], timeout: .seconds(120)
                        )
                        .launch()
                    }
                    for client in clients { try client.end(within: .seconds(120)).orThrow() }
                }
                if round % 10 == 0 {
                    try installation.nft("delete", "table", "inet", "dockernft")
                    sizes.append(try Int(watched.status("VmRSS").prefix { $0.isNumber }) ?? 0)
                }
            }
            try watched.wait(for: "the table to be true") { try isTrue(docker, installation) }
            #expect(try !installation.listing().contains("8203"))
            for name in names { try docker.docker("start", name) }
            try watched.wait(for: "the table to be true") { try isTrue(docker, installation) }
            sizes.append(try Int(watched.status("VmRSS").prefix { $0.isNumber }) ?? 0)
            print("\(starts) starts: VmRSS in KiB \(sizes)")
            let (first, last) = (try #require(sizes.dropFirst().first), try #require(sizes.last))
            #expect(last < first * 3 / 2, "\(sizes)")
        }
    }
}
