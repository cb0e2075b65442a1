import CLinux
import Foundation
import Glibc
import Synchronization

/// A named network namespace (`ip netns`). A value of this type is its name only; who made it also deletes it.
public struct NetworkNamespace: Hashable, Sendable, CustomStringConvertible {
    public let name: String

    public var path: String { "/run/netns/\(name)" }
    public var description: String { name }

    /// Makes a namespace, with its loopback up, that lives as long as `body` runs, and ends with it also when it throws.
    public static func with<Value>(
        _ label: String = "ns", _ body: (NetworkNamespace) throws -> Value
    ) throws -> Value {
        let made = try create([label])
        defer { delete(made) }
        return try body(made[0])
    }

    /// The same for an asynchronous `body`.
    public static func with<Value>(
        _ label: String = "ns", _ body: (NetworkNamespace) async throws -> Value
    ) async throws -> Value {
        let made = try create([label])
        defer { delete(made) }
        return try await body(made[0])
    }

    /// Runs a program inside: `run("nft", "-f", "-", input: rules)`.
    public func run(
        _ arguments: String..., input: String = "", timeout: Duration = .seconds(60)
    ) throws -> ProgramResult {
        try run(Program(arguments, input: input, timeout: timeout))
    }

    /// Runs a program inside. The namespace is the network one only: /sys and /etc stay the machine's.
    public func run(_ program: Program) throws -> ProgramResult {
        try enter { try program.run() }
    }

    /// Runs `body` on a throw-away thread that has entered the namespace, and waits for it. Sockets that it opens belong
    /// to the namespace for as long as they live.
    public func enter<Value>(_ body: () throws -> Value) throws -> Value {
        try onThrowawayThread {
            let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
            guard descriptor >= 0 else { throw BenchError("open \(path)", errno: errno) }
            defer { close(descriptor) }
            let error = clinux_enter_network_namespace(descriptor)
            guard error == 0 else { throw BenchError("enter \(name)", errno: error) }
            return try body()
        }
    }

    /// Writes kernel settings of this namespace, such as `("net/ipv4/ip_forward", "1")`.
    public func set(_ settings: KeyValuePairs<String, String>) throws {
        try enter {
            for (key, value) in settings {
                let file = "/proc/sys/\(key)"
                let descriptor = unsafe open(file, O_WRONLY | O_CLOEXEC)
                guard descriptor >= 0 else { throw BenchError("open \(file)", errno: errno) }
                defer { close(descriptor) }
                let bytes = Array(value.utf8)
                guard unsafe write(descriptor, bytes, bytes.count) == bytes.count else {
                    throw BenchError("write \(value) to \(file)", errno: errno)
                }
            }
        }
    }

    /// Runs `ip` on many commands in one process.
    public func ip(_ commands: String) throws {
        try run("ip", "-batch", "-", input: commands).orThrow()
    }
}

extension NetworkNamespace {
    private static let counter = Atomic<Int>(0)

    /// Makes namespaces named after this process and a number that it has not used before.
    static func create(_ labels: [String]) throws -> [NetworkNamespace] {
        sweepOnce
        let number = counter.add(1, ordering: .relaxed).newValue
        let made = labels.map { NetworkNamespace(name: "dnft-\(getpid())-\(number)-\($0)") }
        do {
            try Program(["ip", "-batch", "-"], input: made.map { "netns add \($0.name)\n" }.joined()).run().orThrow()
            for namespace in made { try namespace.ip("link set lo up") }
        } catch {
            delete(made)
            throw error
        }
        return made
    }

    /// Deletes what exists of them. A deletion that fails is not the test's failure; the next run sweeps.
    static func delete(_ namespaces: [NetworkNamespace]) {
        let commands = namespaces.map { "netns del \($0.name)\n" }.joined()
        _ = try? Program(["ip", "-force", "-batch", "-"], input: commands).run()
    }

    /// Deletes what runs that were killed have left.
    private static let sweepOnce: Void = {
        DockerRemains.sweep()
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "/run/netns")) ?? []
        let stale = names.filter(isStale).map(NetworkNamespace.init(name:))
        for namespace in stale {
            for process in namespace.processes { kill(process, SIGKILL) }
        }
        if !stale.isEmpty { delete(stale) }
    }()

    /// Whether a name has our prefix and the id of a process that is no more.
    static func isStale(_ name: String) -> Bool {
        let parts = name.split(separator: "-")
        guard parts.count >= 3, parts[0] == "dnft", let process = pid_t(parts[1]) else { return false }
        return kill(process, 0) != 0 && errno == ESRCH
    }

    /// The processes whose network namespace this is.
    var processes: [pid_t] {
        var own = stat()
        guard unsafe stat(path, &own) == 0 else { return [] }
        let ids = ((try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []).compactMap { pid_t($0) }
        return ids.filter { process in
            var other = stat()
            return unsafe stat("/proc/\(process)/ns/net", &other) == 0 && other.st_ino == own.st_ino
                && other.st_dev == own.st_dev
        }
    }
}
