import Foundation
import Glibc

/// What a daemon and its containers leave on a machine: processes, cgroups, mounts, namespaces, files.
struct DockerRemains {
    /// The prefix of the names of its cgroup and its namespaces.
    let name: String
    let directory: String

    static func directory(for name: String) -> String {
        URL(filePath: NSTemporaryDirectory()).appending(path: name).path
    }

    /// Clears what runs that were killed have left.
    static func sweep() {
        let places = ["/sys/fs/cgroup", "/sys/fs/cgroup/pids", "/sys/fs/cgroup/unified", NSTemporaryDirectory()]
        let names = places.flatMap { (try? FileManager.default.contentsOfDirectory(atPath: $0)) ?? [] }
        for suffix in [RealDocker.suffix, RealPodman.suffix] {
            for name in Set(names) where name.hasSuffix(suffix) && NetworkNamespace.isStale(name) {
                let host = NetworkNamespace(name: name.replacing(suffix, with: "-host"))
                DockerRemains(name: name, directory: directory(for: name)).clear(namespaces: [host])
            }
        }
    }

    /// `namespaces`: those that the daemons run in.
    func clear(namespaces: [NetworkNamespace]) {
        let cgroups = cgroups
        // A shim that sees its container die may fork; it and the daemon go first, and again until nobody is left.
        for _ in 0..<200 {
            let processes = namespaces.flatMap(\.processes) + cgroups.flatMap(Self.processes)
            if processes.isEmpty { break }
            for process in processes {
                kill(process, SIGKILL)
                // Our own children must be collected; the others are init's.
                waitpid(process, nil, WNOHANG)
            }
            usleep(5_000)
        }
        unmount()
        let attached = ((try? FileManager.default.contentsOfDirectory(atPath: "/run/netns")) ?? [])
            .filter { $0.hasPrefix("\(name)-") }
        if !attached.isEmpty { NetworkNamespace.delete(attached.map(NetworkNamespace.init(name:))) }
        for cgroup in cgroups { remove(cgroup) }
        try? FileManager.default.removeItem(atPath: directory)
    }

    /// In each hierarchy of cgroup v1, or in the one of v2.
    private var cgroups: [String] {
        let root = "/sys/fs/cgroup"
        let hierarchies = ((try? FileManager.default.contentsOfDirectory(atPath: root)) ?? []).map { "\(root)/\($0)" }
        return ([root] + hierarchies).map { "\($0)/\(name)" }.filter { FileManager.default.fileExists(atPath: $0) }
    }

    private static func groups(under cgroup: String) -> [String] {
        let children = (try? FileManager.default.contentsOfDirectory(atPath: cgroup)) ?? []
        return children.map { "\(cgroup)/\($0)" }.filter {
            FileManager.default.fileExists(atPath: "\($0)/cgroup.procs")
        }
    }

    private static func processes(in cgroup: String) -> [pid_t] {
        let own = textOfKernelFile("\(cgroup)/cgroup.procs")
        return own.split(separator: "\n").compactMap { pid_t($0) } + groups(under: cgroup).flatMap(processes)
    }

    private func remove(_ cgroup: String) {
        for child in Self.groups(under: cgroup) { remove(child) }
        unsafe rmdir(cgroup)
    }

    private func unmount() {
        // Mounts come and go while the list of them is read, so it is read until it is empty.
        for _ in 0..<10 {
            let points = mountPoints
            if points.isEmpty { return }
            // The innermost were mounted last, and go first.
            _ = try? Program(["umount", "-l"] + points.reversed()).run()
        }
    }

    private var mountPoints: [String] {
        let mounts = textOfKernelFile("/proc/self/mountinfo")
        return mounts.split(separator: "\n").compactMap { line in
            let fields = line.split(separator: " ")
            return fields.count > 4 && fields[4].hasPrefix("\(directory)/") ? String(fields[4]) : nil
        }
    }
}
