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
        name = host.namespace.name.replacing("-host", with: Self.suffix)
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

    /// `docker run -d`, and waits until every port answers with the container's name.
    /// `options` are more of docker's: `["--network", "host"]`, `["--label", "…"]`.
    public func run(_ container: Container, serving: Serving = .webServer, options: [String] = []) throws {
        var arguments = ["run", "-d", "--name", container.name]
        if container.bridge != .docker0 { arguments += ["--network", container.bridge.name] }
        arguments += container.publish.flatMap { ["-p", $0] } + options
        let ports = serving == .webServer ? try container.ports(.tcp) : []
        try docker(arguments + ["--stop-timeout", "0", Self.image] + container.command(serving: ports))
        try answer(for: container, serving)
    }

    /// `docker restart`, and waits until every port answers again.
    public func restart(_ container: Container, serving: Serving = .webServer) throws {
        try docker("restart", container.name)
        try answer(for: container, serving)
    }

    private func answer(for container: Container, _ serving: Serving) throws {
        try host.answer(for: container, serving) { try enter(container.name) }
    }

    /// The network namespace that a running container is in.
    public func enter(_ container: String) throws -> Place {
        try Place(of: container, inspected: docker("inspect", "-f", Place.inspected, container), prefix: name)
    }

    /// A container's own address, for direct routes.
    public func address(of container: String) throws -> String {
        try docker("inspect", "-f", "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}", container)
            .split(whereSeparator: \.isWhitespace).first.map(String.init) ?? ""
    }

    static let suffix = "-docker"
    static let image = "bench"
}
