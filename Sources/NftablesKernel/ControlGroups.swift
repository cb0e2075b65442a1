internal import Files

/// The control groups (cgroups(7), version 2) that there are, each with those above it.
public struct ControlGroups: Sendable {
    /// By the group's number: the numbers from the root's, which is level 0, to its own.
    private var lineages: [UInt64: [UInt64]] = [:]

    /// Reads all of the hierarchy, where there is one.
    public init() {
        // Alone, or beside the controllers of version 1.
        let places = ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"]
        guard let root = places.first(where: { File.inode("\($0)/cgroup.procs") != nil && Self.isUnified($0) }) else {
            return
        }
        add(root, below: [])
    }

    /// From the root's number to the group's own; nil of a group that is not there any more, or not to be seen.
    public func lineage(of group: UInt64) -> [UInt64]? { lineages[group] }

    private static func isUnified(_ place: String) -> Bool { File.inode("\(place)/cgroup.controllers") != nil }

    private mutating func add(_ path: String, below above: [UInt64]) {
        // What is no directory has no names, and one that has gone has none any more.
        guard let names = try? File.names(in: path), let group = File.inode(path) else { return }
        let lineage = above + [group]
        lineages[group] = lineage
        for name in names where !Self.isFile(name) { add("\(path)/\(name)", below: lineage) }
    }

    /// `memory.max` and the like, which are most of the names. A group that is called like one is not found.
    private static func isFile(_ name: String) -> Bool {
        ["cgroup.", "cpu.", "cpuset.", "io.", "memory.", "pids.", "hugetlb.", "rdma.", "misc."].contains {
            name.hasPrefix($0)
        }
    }
}
