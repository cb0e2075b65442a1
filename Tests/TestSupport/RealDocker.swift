import Addressing
import Foundation
import Glibc

/// A real `dockerd`, as this machine has it, on the host of a `DockerHost` topology; with its own containerd, its own files,
/// and a cgroup of its own. The machine's own Docker is not touched.
///
/// The host has ip_forward off when the daemon starts, as a fresh machine has, so that Docker sets its FORWARD policy to drop.
public struct RealDocker: Sendable {
    /// The clients and the host. Its servers serve inside the real containers too.
    public let host: DockerHost
    /// Of the daemon's API.
    public let socket: String
    /// With what the daemon was started.
    public let flags: [String]

    let directory: String
    /// What namespaces, cgroup and directory have in their names.
    let name: String

    /// Starts a daemon, lets `body` use it, and removes every trace, also when `body` throws.
    /// `flags` are dockerd's: `["--ip6tables", "--experimental"]`, `["--userland-proxy=false"]`, `["--iptables=false"]`.
    public static func with<Value>(_ flags: [String] = [], _ body: (RealDocker) throws -> Value) throws -> Value {
        try DockerHost.with { try with(on: $0, flags, body) }
    }

    /// The same on a host that was there before, with what its test has done to it.
    public static func with<Value>(
        on host: DockerHost, _ flags: [String] = [], _ body: (RealDocker) throws -> Value
    ) throws -> Value {
        let docker = RealDocker(host, flags)
        defer { docker.clear() }
        try docker.prepare()
        return try body(docker)
    }

    /// The same for an asynchronous `body`.
    public static func with<Value>(
        _ flags: [String] = [], _ body: (RealDocker) async throws -> Value
    ) async throws -> Value {
        try await DockerHost.with { host in
            let docker = RealDocker(host, flags)
            defer { docker.clear() }
            try docker.prepare()
            return try await body(docker)
        }
    }

    private init(_ host: DockerHost, _ flags: [String]) {
        self.host = host
        self.flags = flags
        name = host.namespace.name.replacing("-host", with: "-docker")
        directory = DockerRemains.directory(for: name)
        socket = "\(directory)/docker.sock"
    }

    /// Runs the docker client: `docker("network", "ls")`.
    @discardableResult
    public func docker(_ arguments: String...) throws -> String { try docker(arguments) }

    @discardableResult
    public func docker(_ arguments: [String], input: String = "") throws -> String {
        try Program(["docker", "-H", "unix://\(socket)"] + arguments, input: input).run().orThrow()
    }

    /// `docker network create`, with the bridge's name and its subnets.
    public func createNetwork(_ bridge: Bridge) throws {
        var arguments = ["network", "create", "-o", "com.docker.network.bridge.name=\(bridge.name)"]
        arguments += ["--subnet", bridge.network4]
        if let network6 = bridge.network6 { arguments += ["--ipv6", "--subnet", network6] }
        switch bridge.gateway {
        case .nat: break
        case .routed, .natUnprotected:
            let mode = bridge.gateway == .routed ? "routed" : "nat-unprotected"
            for family in ["ipv4", "ipv6"] {
                arguments += ["-o", "com.docker.network.bridge.gateway_mode_\(family)=\(mode)"]
            }
        case .internal: arguments.append("--internal")
        }
        try docker(arguments + [bridge.name])
    }

    /// Who answers on a container's TCP ports.
    public enum Serving: Hashable, Sendable {
        /// A web server of the container's own, which is back after a restart.
        case webServer
        /// The bench, inside the container's namespace, as it always does for UDP: needed for streams.
        case bench
    }

    /// `docker run -d`, and waits until every port answers with the container's name.
    /// `options` are more of docker's: `["--network", "host"]`, `["--label", "…"]`.
    public func run(_ container: Container, serving: Serving = .webServer, options: [String] = []) throws {
        var arguments = ["run", "-d", "--name", container.name]
        if container.bridge != .docker0 { arguments += ["--network", container.bridge.name] }
        arguments += container.publish.flatMap { ["-p", $0] } + options
        let ports = serving == .webServer ? try Self.ports(of: container, .tcp) : []
        let command =
            "mkdir -p /www; echo \(container.name) > /www/index.html; "
            + ports.map { "httpd -p \($0) -h /www; " }.joined() + "exec sleep 86400"
        try docker(arguments + ["--stop-timeout", "0", Self.image, "sh", "-c", command])
        try answer(for: container, serving)
    }

    /// `docker restart`, and waits until every port answers again.
    public func restart(_ container: Container, serving: Serving = .webServer) throws {
        try docker("restart", container.name)
        try answer(for: container, serving)
    }

    private static func ports(of container: Container, _ transport: TransportProtocol) throws -> [UInt16] {
        let published = try container.publish.flatMap(Publication.parse).map { ($0.containerPort, $0.transport) }
        let listening = try container.listening.map(Publication.parseListening)
        return Set((published + listening).filter { $0.1 == transport }.map(\.0)).sorted()
    }

    private func answer(for container: Container, _ serving: Serving) throws {
        let (tcp, udp) = (try Self.ports(of: container, .tcp), try Self.ports(of: container, .udp))
        guard !tcp.isEmpty || !udp.isEmpty else { return }
        let place = try enter(container.name)
        for port in udp { try host.serve(container.name, at: place, on: port, [.udp]) }
        if serving == .bench {
            for port in tcp { try host.serve(container.name, at: place, on: port, [.tcp]) }
        } else {
            try waitUntilServing(tcp, in: container.name, place)
        }
    }

    /// The network namespace that a running container is in.
    public func enter(_ container: String) throws -> Place {
        let process = try docker("inspect", "-f", "{{.State.Pid}} {{.HostConfig.NetworkMode}}", container)
            .split(whereSeparator: \.isWhitespace)
        guard process.count == 2, process[0] != "0" else { throw BenchError("\(container) does not run") }
        if process[1] == "host" { return .host }
        let namespace = NetworkNamespace(name: "\(name)-\(container)-\(process[0])")
        if unsafe access(namespace.path, F_OK) != 0 {
            try Program(["ip", "netns", "attach", namespace.name, String(process[0])]).run().orThrow()
        }
        return .namespace(namespace)
    }

    /// A container's own address, for direct routes.
    public func address(of container: String) throws -> String {
        try docker("inspect", "-f", "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}", container)
            .split(whereSeparator: \.isWhitespace).first.map(String.init) ?? ""
    }

    static let image = "bench"

    /// What the container's own web servers need to be up, seen from inside.
    private func waitUntilServing(_ ports: [UInt16], in container: String, _ place: Place) throws {
        let probes = ports.map {
            Probe(from: "127.0.0.1", to: "127.0.0.1", port: $0, at: place, expect: .answered(by: container))
        }
        let deadline = ContinuousClock.now + .seconds(10)
        while try host.probe(probes) != probes.map(\.expected) {
            guard ContinuousClock.now < deadline else { throw BenchError("\(container) does not serve \(ports)") }
            usleep(10_000)
        }
    }
}
