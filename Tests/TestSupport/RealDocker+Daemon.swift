import Foundation
import Glibc

extension RealDocker {
    /// Starts everything, and imports the one image: busybox.
    func prepare() throws {
        try FileManager.default.createDirectory(
            atPath: directory, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        try host.namespace.set(["net/ipv4/ip_forward": "0", "net/ipv6/conf/all/forwarding": "0"])
        let settings = """
            version = 2
            root = "\(directory)/containerd-root"
            state = "\(directory)/containerd"
            disabled_plugins = ["io.containerd.grpc.v1.cri"]
            [grpc]
            address = "\(containerdSocket)"
            [plugins."io.containerd.internal.v1.opt"]
            path = "\(directory)/opt"
            """
        try settings.write(toFile: "\(directory)/containerd.toml", atomically: false, encoding: .utf8)
        try start(["containerd", "--config", "\(directory)/containerd.toml"], until: containerdSocket)
        try startDaemon()
        try importImage()
    }

    /// Starts dockerd, in a control group where one is named, and waits until it answers.
    public func startDaemon(in group: ControlGroup? = nil) throws {
        try start(
            (group.map { ["sh", "-c", "\($0.entering); exec \"$@\"", "sh"] } ?? []) + [
                "dockerd", "--containerd", containerdSocket, "--data-root", "\(directory)/data", "--exec-root",
                "\(directory)/exec", "--host", "unix://\(socket)", "--pidfile", pidFile, "--cgroup-parent", "/\(name)",
                "--exec-opt", "native.cgroupdriver=cgroupfs",
            ] + flags, until: socket)
        let deadline = ContinuousClock.now + .seconds(20)
        while !(try Program(["docker", "-H", "unix://\(socket)", "version"]).run().succeeded) {
            guard ContinuousClock.now < deadline else { throw BenchError("dockerd does not answer\n\(log)") }
            usleep(20_000)
        }
    }

    /// The daemon's number.
    public var process: Int32 {
        get throws {
            guard let text = try? String(contentsOfFile: pidFile, encoding: .utf8), let process = pid_t(text.trimmed)
            else { throw BenchError("dockerd does not run") }
            return process
        }
    }

    /// Stops dockerd as systemd would. Its containers stop with it.
    public func stopDaemon() throws {
        let process = try process
        kill(process, SIGTERM)
        try wait(for: [process])
        unsafe unlink(socket)
    }

    /// What the daemons wrote.
    public var log: String { (try? String(contentsOfFile: "\(directory)/log", encoding: .utf8)) ?? "" }

    private var containerdSocket: String { "\(directory)/containerd.sock" }
    private var pidFile: String { "\(directory)/docker.pid" }

    private func start(_ arguments: [String], until file: String) throws {
        // The thread that starts it is in the host's network namespace only: `ip netns exec` would also put another /sys over
        // the cgroups.
        let process = try host.namespace.enter { try Program(arguments).start(log: "\(directory)/log") }
        let deadline = ContinuousClock.now + .seconds(30)
        while unsafe access(file, F_OK) != 0 {
            var status: Int32 = 0
            guard unsafe waitpid(process, &status, WNOHANG) == 0, ContinuousClock.now < deadline else {
                throw BenchError("\(arguments[0]) did not start\n\(log)")
            }
            usleep(5_000)
        }
    }

    private func importImage() throws {
        try docker("import", try packBusybox(under: directory), Self.image)
    }

    /// Removes every trace.
    func clear() {
        DockerRemains(name: name, directory: directory).clear(namespaces: [host.namespace])
    }

    private func wait(for processes: [pid_t]) throws {
        let deadline = ContinuousClock.now + .seconds(20)
        for process in processes {
            var status: Int32 = 0
            while unsafe waitpid(process, &status, WNOHANG) == 0 {
                guard ContinuousClock.now < deadline else { throw BenchError("process \(process) does not end") }
                usleep(5_000)
            }
        }
    }
}

extension String {
    fileprivate var trimmed: String { trimmingCharacters(in: .whitespacesAndNewlines) }
}
