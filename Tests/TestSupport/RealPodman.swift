public import Addressing
import Foundation
import Glibc

/// A real rootful `podman` with netavark, on the host of a `DockerHost` topology; with its own files and a cgroup of its own.
/// The machine's own Podman is not touched.
public struct RealPodman: Sendable {
    /// The clients and the host. Its servers serve inside the real containers too.
    public let host: DockerHost

    let directory: String
    /// What namespaces, cgroup and directory have in their names.
    let name: String
    /// A process in the mount namespace that all of Podman is in.
    let keeper: pid_t

    /// Prepares Podman on a host that was there before, lets `body` use it, and removes every trace, also when `body` throws.
    /// ip_forward is off, as on a fresh machine: netavark turns it on.
    public static func with<Value>(on host: DockerHost, _ body: (RealPodman) throws -> Value) throws -> Value {
        let name = host.namespace.name.replacing("-host", with: suffix)
        let remains = DockerRemains(name: name, directory: DockerRemains.directory(for: name))
        defer { remains.clear(namespaces: [host.namespace]) }
        let podman = RealPodman(
            host: host, directory: remains.directory, name: name,
            keeper: try keepMounts(host.namespace, remains.directory))
        try podman.prepare()
        return try body(podman)
    }

    /// Runs podman on the host: `podman("network", "ls")`.
    @discardableResult
    public func podman(_ arguments: String...) throws -> String { try podman(arguments) }

    @discardableResult
    public func podman(_ arguments: [String]) throws -> String {
        try host.namespace.run(program(arguments)).orThrow()
    }

    private func program(_ arguments: [String]) -> Program {
        Program(
            [
                "nsenter", "--mount=/proc/\(keeper)/ns/mnt", "env", "CONTAINERS_CONF=\(directory)/containers.conf",
                "podman", "--root", "\(directory)/storage", "--runroot", "\(directory)/run", "--tmpdir",
                "\(directory)/tmp", "--storage-driver", "vfs",
            ] + arguments)
    }

    /// `podman system service`, Docker's API on a socket, for as long as `body` runs.
    public func service<Value>(_ body: (_ socket: String) throws -> Value) throws -> Value {
        let socket = "\(directory)/podman.sock"
        let service = try host.namespace.enter {
            try program(["system", "service", "--time", "0", "unix://\(socket)"]).launch()
        }
        defer { service.signal(SIGKILL) }
        let deadline = ContinuousClock.now + .seconds(10)
        // The file is there before anybody listens.
        let question = Program(["podman", "--remote", "--url", "unix://\(socket)", "version"])
        while !(try question.run().succeeded) {
            guard service.isRunning, ContinuousClock.now < deadline else {
                service.signal(SIGKILL)
                throw BenchError("podman system service did not start: \(try service.end())")
            }
            usleep(20_000)
        }
        return try body(socket)
    }

    /// `podman network create`. Podman chooses the bridge's name, which is to be this one.
    public func createNetwork(_ bridge: Bridge) throws {
        var arguments = ["network", "create", "--subnet", bridge.network4]
        if let network6 = bridge.network6 { arguments += ["--ipv6", "--subnet", network6] }
        if bridge.gateway == .internal { arguments.append("--internal") }
        try podman(arguments + [bridge.name])
        let chosen = try podman("network", "inspect", "-f", "{{.NetworkInterface}}", bridge.name)
        guard chosen == "\(bridge.name)\n" else { throw BenchError("\(bridge.name) has the bridge \(chosen)") }
    }

    /// `podman run -d`, and waits until every port answers with the container's name. Without a bridge of its own it goes to
    /// `Bridge.podman0`. `options` are more of podman's.
    public func run(_ container: Container, options: [String] = []) throws {
        var arguments = ["run", "-d", "--name", container.name, "--cgroup-parent", "/\(name)", "--stop-timeout", "0"]
        if container.bridge != .podman0 { arguments += ["--network", container.bridge.name] }
        arguments += container.publish.flatMap { ["-p", $0] } + options + [RealDocker.image]
        try podman(arguments + container.command(serving: try container.ports(.tcp)))
        try keepAddress(of: container.bridge)
        try answer(for: container)
    }

    /// Before netavark 1.9 a bridge has the lowest hardware address of its ports. When that changes, as a container ends, the
    /// others talk to the old one until their neighbour entry is stale.
    private func keepAddress(of bridge: Bridge) throws {
        guard let number = bridge.name.last?.wholeNumberValue else { throw BenchError("\(bridge.name): no number") }
        try host.namespace.ip("link set \(bridge.name) address 02:00:00:00:00:0\(number)\n")
    }

    /// `podman restart`, and waits until every port answers again.
    public func restart(_ container: Container) throws {
        try podman("restart", container.name)
        try answer(for: container)
    }

    private func answer(for container: Container) throws {
        try host.answer(for: container, .webServer) { try enter(container.name) }
    }

    /// The network namespace that a running container is in.
    public func enter(_ container: String) throws -> Place {
        try Place(of: container, inspected: podman("inspect", "-f", Place.inspected, container), prefix: name)
    }

    /// A container's own address, for direct routes.
    public func address(of container: String, _ family: AddressFamily = .ipv4) throws -> String {
        let field = family == .ipv4 ? "IPAddress" : "GlobalIPv6Address"
        let text = try podman("inspect", "-f", "{{range .NetworkSettings.Networks}}{{.\(field)}}{{end}}", container)
        guard let address = text.split(whereSeparator: \.isWhitespace).first else {
            throw BenchError("\(container) has no \(family) address")
        }
        return String(address)
    }
}

extension Bridge {
    /// The bridge of Podman's default network, IPv4 only.
    public static let podman0 = Bridge("podman0", "10.88.0.0/16")
    /// The first that `podman network create` makes, dual-stack when asked.
    public static let podman1 = Bridge("podman1", "10.91.0.0/24", "2001:db8:9::/64")
}

extension RealPodman {
    static let suffix = "-podman"

    /// Makes a mount namespace with a /run of its own. All Podmen of a machine share what is there, above all the addresses that
    /// they have given away, and what is mounted there ends with the namespace.
    private static func keepMounts(_ namespace: NetworkNamespace, _ directory: String) throws -> pid_t {
        try FileManager.default.createDirectory(
            atPath: directory, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        let ready = "\(directory)/ready"
        let script = "mount -t tmpfs tmpfs /run && touch \(ready) && exec sleep infinity"
        let process = try namespace.enter {
            try Program(["unshare", "--mount", "sh", "-c", script]).start(log: "\(directory)/log")
        }
        let deadline = ContinuousClock.now + .seconds(10)
        while unsafe access(ready, F_OK) != 0 {
            guard ContinuousClock.now < deadline else {
                let log = (try? String(contentsOfFile: "\(directory)/log", encoding: .utf8)) ?? ""
                throw BenchError("no mount namespace: \(log)")
            }
            usleep(1_000)
        }
        return process
    }

    private func prepare() throws {
        try host.namespace.set(["net/ipv4/ip_forward": "0", "net/ipv6/conf/all/forwarding": "0"])
        // Podman raises limits as far as it may; where it may not, it would start nothing.
        let settings = """
            [containers]
            default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
            [engine]
            cgroup_manager = "cgroupfs"
            events_logger = "file"
            lock_type = "file"
            runtime = "runc"
            [network]
            network_backend = "netavark"
            network_config_dir = "\(directory)/networks"
            """
        try settings.write(toFile: "\(directory)/containers.conf", atomically: false, encoding: .utf8)
        try podman("import", try packBusybox(under: directory), RealDocker.image)
    }
}
