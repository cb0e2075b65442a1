import Foundation
import Glibc

/// A control group of version 2, as systemd makes one for a unit.
public struct ControlGroup: Sendable {
    let path: String

    /// Where systemd mounts them: alone, or beside those of version 1.
    static var hierarchy: String? {
        ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"].first { unsafe access("\($0)/cgroup.subtree_control", F_OK) == 0 }
    }

    /// Lets `body` use a group, and removes it. Whoever is still in it goes back to the root.
    public static func with<Value>(_ name: String, _ body: (ControlGroup) throws -> Value) throws -> Value {
        guard let hierarchy else { throw BenchError("no cgroups of version 2 are mounted") }
        let group = ControlGroup(path: "\(hierarchy)/\(name)")
        try group.make()
        defer {
            group.empty(into: hierarchy)
            unsafe rmdir(group.path)
        }
        return try body(group)
    }

    public func add(_ process: Int32) throws {
        try "\(process)".write(toFile: procs, atomically: false, encoding: .utf8)
    }

    /// A shell's words that put the shell into it.
    public var entering: String { "echo $$ > \(procs)" }

    public var processes: [Int32] {
        ((try? String(contentsOfFile: procs, encoding: .utf8)) ?? "").split(separator: "\n").compactMap { Int32($0) }
    }

    /// The same path, and another group.
    public func makeAnew() throws {
        let deadline = ContinuousClock.now + .seconds(10)
        while unsafe rmdir(path) != 0 {
            guard errno == EBUSY, ContinuousClock.now < deadline else {
                throw BenchError("rmdir \(path)", errno: errno)
            }
            usleep(5_000)
        }
        try make()
    }

    private var procs: String { "\(path)/cgroup.procs" }

    private func make() throws {
        guard unsafe mkdir(path, 0o755) == 0 else { throw BenchError("mkdir \(path)", errno: errno) }
    }

    private func empty(into hierarchy: String) {
        for process in processes {
            try? process.description.write(toFile: "\(hierarchy)/cgroup.procs", atomically: false, encoding: .utf8)
        }
    }
}
