internal import Addressing
internal import Docker
internal import Files

extension ProxyGroup {
    /// The control group of the engine behind a socket, where all sockets in it are docker-proxy's.
    ///
    /// Nil unless that is sure: the engine is dockerd with its process number beside its socket, in a group of its own, and listens on
    /// nothing itself. Its API over TCP and a swarm's ports are the machine's, and no published ports.
    static func found(at socket: String, _ inventory: Inventory) -> ProxyGroup? {
        guard !inventory.isInSwarm, let engine = EngineProcess(socket: socket), let path = engine.group,
            engine.isAlone(in: path), !engine.listens(beside: inventory)
        else { return nil }
        let level = path.split(separator: "/").count
        guard level > 0, let level = UInt8(exactly: level), let place = EngineProcess.place(of: path) else {
            return nil
        }
        guard let id = File.inode(place) else { return nil }
        return ProxyGroup(id: id, path: String(place.dropFirst(EngineProcess.hierarchy.utf8.count + 1)), level: level)
    }
}

/// What /proc and /sys say of a dockerd.
private struct EngineProcess {
    let directory: String

    /// Docker writes `docker.pid` beside `docker.sock`, unless it was told otherwise.
    init?(socket: String) {
        let folder = socket.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
        guard let text = Self.text("\(folder)/docker.pid"), let number = Int32(text.filter { !$0.isWhitespace }) else {
            return nil
        }
        directory = "/proc/\(number)"
        guard Self.name(directory) == "dockerd" else { return nil }
    }

    static let hierarchy = "/sys/fs/cgroup"

    /// From the root of the hierarchy of version 2, which has the number 0.
    var group: String? {
        let lines = Self.text("\(directory)/cgroup")?.split(separator: "\n") ?? []
        return lines.first { $0.hasPrefix("0::/") }.map { String($0.dropFirst("0::".utf8.count)) }
    }

    /// The directory of a group: systemd mounts the hierarchy at the one place or, beside those of version 1, at the other.
    static func place(of group: String) -> String? {
        ["\(hierarchy)\(group)", "\(hierarchy)/unified\(group)"].first { File.inode("\($0)/cgroup.procs") != nil }
    }

    func isAlone(in group: String) -> Bool {
        guard let place = Self.place(of: group), let processes = Self.text("\(place)/cgroup.procs") else {
            return false
        }
        // A containerd that dockerd has started itself talks to it over a socket of the file system.
        let known = ["dockerd", "docker-proxy", "containerd"]
        let names = processes.split(separator: "\n").compactMap { Self.name("/proc/\($0)") }
        return !names.isEmpty && names.allSatisfy { known.contains($0) }
    }

    /// Whether it has a socket of its own that others may reach. Those that hold a published port free are none of its own.
    func listens(beside inventory: Inventory) -> Bool {
        let published = Set(inventory.containers.flatMap(\.bindings).filter { $0.transport == .tcp }.map(\.hostPort))
        guard let files = try? File.names(in: "\(directory)/fd") else { return true }
        let own = Set(files.compactMap { File.target(ofLink: "\(directory)/fd/\($0)") })
        let tables = ["tcp", "tcp6"].compactMap { Self.text("\(directory)/net/\($0)") }
        return tables.flatMap { $0.split(separator: "\n").dropFirst() }.contains { line in
            // proc(5), /proc/net/tcp: local address, remote address, state (0A: LISTEN), …, inode
            let fields = line.split(separator: " ")
            guard fields.count > 9, fields[3] == "0A", own.contains("socket:[\(fields[9])]") else { return false }
            let local = fields[1].split(separator: ":")
            guard local.count == 2, let port = UInt16(local[1], radix: 16) else { return true }
            return !published.contains(port) && !Self.isLoopback(local[0])
        }
    }

    /// Words of four bytes as this machine keeps them.
    private static func isLoopback(_ address: Substring) -> Bool {
        address.utf8.count == 8 ? address.hasSuffix("7F") : address == "00000000000000000000000001000000"
    }

    private static func name(_ process: String) -> String? { text("\(process)/comm").map { $0.filter { $0 != "\n" } } }

    private static func text(_ path: String) -> String? {
        (try? File.read(path)).map { String(decoding: $0, as: UTF8.self) }
    }
}
