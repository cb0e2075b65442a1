import Addressing
import Docker
import DockerSocket
import Foundation
import TestSupport
import Testing

@Suite(.serialized, .requiresDocker) struct `A real engine` {
    private func start(_ docker: RealDocker, _ arguments: [String]) throws {
        try docker.docker(
            ["run", "-d", "--stop-timeout", "0"] + arguments + ["bench", "sh", "-c", "exec sleep 86400"])
    }

    private func binding(
        _ address: String, _ port: UInt16, _ transport: TransportProtocol = .tcp, to inner: UInt16 = 80
    )
        throws -> Binding
    {
        Binding(
            hostAddress: try #require(IPAddress(address)), hostPort: port, transport: transport, containerPort: inner)
    }

    @Test func `says what runs, and where it is reached`() throws {
        try RealDocker.with { docker in
            try docker.createNetwork(.user)
            try docker.host.run("ip", "link", "add", "wire0", "type", "veth", "peer", "name", "wire1").orThrow()
            try docker.docker(
                "network", "create", "-d", "macvlan", "--subnet", "198.51.100.0/24", "-o", "parent=wire0", "wire")
            let socket = DockerSocket(path: docker.socket)
            try start(docker, ["--name", "web", "-p", "8081:80", "-p", "8081:80/udp", "-p", "192.0.2.1:8082:81"])
            try start(
                docker,
                [
                    "--name", "shop", "--network", Bridge.user.name, "--label", "com.docker.compose.project=shop",
                    "--label", "com.docker.compose.service=front", "-p", "[2001:db8:1::1]:8083:80",
                ])
            try start(docker, ["--name", "bare", "--network", "host"])
            try start(docker, ["--name", "beside", "--network", "container:bare"])
            try start(
                docker, ["--name", "wired", "--network", "wire", "--ip", "198.51.100.77", "-p", "9000-9001:7000-7001"])

            let inventory = try socket.inventory()
            #expect(inventory.containers.map(\.name) == ["bare", "beside", "shop", "web", "wired"])
            #expect(inventory.containers.map(\.usesHostNetwork) == [true, true, false, false, false])
            let named = Dictionary(uniqueKeysWithValues: inventory.containers.map { ($0.name, $0) })
            let networks = Dictionary(uniqueKeysWithValues: inventory.networks.map { ($0.name, $0) })
            let web = try #require(named["web"])
            #expect(
                web.bindings == [
                    try binding("0.0.0.0", 8081), try binding("::", 8081),
                    try binding("192.0.2.1", 8082, to: 81), try binding("0.0.0.0", 8081, .udp),
                    try binding("::", 8081, .udp),
                ])
            #expect(web.attachments.map(\.network) == [networks["bridge"]?.id])
            #expect(web.attachments.first?.addresses.map(\.description) == ["172.17.0.2"])
            #expect(named["shop"]?.composeService == "shop/front")
            #expect(named["shop"]?.bindings == [try binding("2001:db8:1::1", 8083)])
            let wired = try #require(named["wired"])
            #expect(wired.attachments.first?.addresses.map(\.description) == ["198.51.100.77"])
            #expect(wired.publishedPorts == [PortRange(.tcp, 7000...7000), PortRange(.tcp, 7001...7001)])
            #expect(networks["bridge"]?.bridge?.description == "docker0")
            #expect(networks[Bridge.user.name]?.bridge?.description == Bridge.user.name)
            #expect(networks["wire"]?.driver == .macvlan)
            #expect(networks["wire"]?.parent?.description == "wire0")
            #expect(networks["wire"]?.subnets == [try AddressText("198.51.100.0/24")])
            #expect(networks["host"]?.driver == .host)
            #expect(!inventory.isInSwarm)
            #expect(Inventory(bytes: inventory.encoded()) == inventory)

            try docker.docker("rename", "web", "site")
            try docker.docker("restart", "site")
            try docker.docker("rm", "-f", "shop")
            let later = try socket.inventory(starting: ["0123456789ab"])
            #expect(later.containers.map(\.name) == ["bare", "beside", "site", "wired"])
            #expect(later.containers.first { $0.name == "site" }?.id == web.id)
        }
    }

    /// The second port is chosen by Docker: a container that waits does not have it.
    @Test func `tells of a container that it starts, and what one that is stopped will publish`() async throws {
        try await RealDocker.with { docker in
            let socket = DockerSocket(path: docker.socket)
            let clock = ContinuousClock()
            var begin = clock.now
            var order: [String] = []
            var times: [Duration] = []
            for try await event in socket.events() {
                guard event.subject != .subscription else {
                    begin = clock.now
                    let docker = docker
                    Thread.detachNewThread {
                        _ = try? docker.docker([
                            "run", "-d", "--name", "web", "-p", "8081:80", "-p", "81", "bench", "sh", "-c",
                            "mkdir /www; echo web > /www/index.html; httpd -p 80 -h /www; exec sleep 86400",
                        ])
                    }
                    continue
                }
                order.append("\(event.subject) \(event.action)")
                times.append(clock.now - begin)
                if event.action == "create" {
                    let seen = try socket.inventory(starting: [event.starting].compactMap(\.self)).containers
                    times.append(clock.now - begin)
                    #expect(seen.flatMap(\.bindings).contains { $0.hostPort == 8081 })
                }
                if event.action == "start" { break }
            }
            #expect(order == ["container create", "network connect", "container start"])
            print("create, inventory, connect, start: \(times)")
            #expect(try socket.waiting() == [])
            try docker.docker("stop", "-t", "0", "web")
            #expect(try socket.inventory().containers == [])
            let waiting = try socket.waiting()
            #expect(waiting.map(\.name) == ["web"])
            #expect(Set(waiting.flatMap(\.bindings).map(\.hostPort)) == [8081])
        }
    }

    /// `watch` asks for months.
    @Test func `leaves nothing open however often it is asked`() throws {
        try RealDocker.with { docker in
            try start(docker, ["--name", "web", "-p", "8081:80"])
            let socket = DockerSocket(path: docker.socket)
            func open() throws -> Int { try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count }
            func ask(_ times: Int) throws {
                for _ in 0..<times { _ = try socket.inventory() }
            }
            try ask(100)
            let (files, pages) = (try open(), try Self.residentPages())
            try ask(ProcessInfo.processInfo.environment["DOCKERNFT_LONG"] == nil ? 200 : 2000)
            let more = try Self.residentPages() - pages
            print("files \(files) then \(try open()); pages \(pages) and \(more) more")
            // Others of this process open files too; what leaks leaves one a call.
            #expect(try open() < files + 100)
            #expect(more < 4096)
        }
    }

    private static func residentPages() throws -> Int {
        let words = try String(contentsOfFile: "/proc/self/statm", encoding: .utf8).split(separator: " ")
        return try #require(Int(words[1]))
    }
}
