internal import Addressing
internal import Docker
internal import Files

extension ProxyGroup {
    /// The control group of the engine behind a socket, where nobody else is in it. Whether all sockets in it are docker-proxy's is
    /// another question, for the kernel.
    static func found(at socket: String, _ inventory: Inventory) -> ProxyGroup? {
        // A swarm's ports are the machine's, and no published ports.
        guard !inventory.isInSwarm, let engine = EngineProcess(socket: socket), let path = engine.group,
            let processes = engine.processes(in: path)
        else { return nil }
        let level = path.split(separator: "/").count
        guard level > 0, let level = UInt8(exactly: level), let place = EngineProcess.place(of: path) else {
            return nil
        }
        guard let id = File.inode(place) else { return nil }
        return ProxyGroup(
            id: id, path: String(place.dropFirst(EngineProcess.hierarchy.utf8.count + 1)), level: level,
            proxiedPorts: Set(processes.compactMap(EngineProcess.proxiedPort)))
    }
}

/// What /proc and /sys say of a dockerd.
private struct EngineProcess {
    let number: String
    let directory: String

    /// Docker writes `docker.pid` beside `docker.sock`, unless it was told otherwise.
    init?(socket: String) {
        let folder = socket.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
        guard let text = Self.text("\(folder)/docker.pid") else { return nil }
        number = text.filter(\.isNumber)
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

    /// Those in the group, or nil where one of them is neither dockerd, nor docker-proxy, nor a program that dockerd has started.
    func processes(in group: String) -> [String]? {
        guard let place = Self.place(of: group), let numbers = Self.text("\(place)/cgroup.procs") else { return nil }
        let processes = numbers.split(separator: "\n").map { "/proc/\($0)" }
        let isAlone = processes.allSatisfy { process in
            // One may have ended meanwhile.
            guard let name = Self.name(process) else { return true }
            return name == "dockerd" || name == "docker-proxy" || parent(of: process) == number
        }
        return isAlone && !processes.isEmpty ? processes : nil
    }

    private func parent(of process: String) -> String? {
        let lines = Self.text("\(process)/status")?.split(separator: "\n") ?? []
        return lines.first { $0.hasPrefix("PPid:") }.map { $0.filter(\.isNumber) }
    }

    /// `docker-proxy -proto tcp -host-ip 0.0.0.0 -host-port 8081 …`; nil of another program.
    static func proxiedPort(of process: String) -> PortRange? {
        let words = text("\(process)/cmdline")?.split(separator: "\0").map(String.init) ?? []
        func value(_ option: String) -> String? {
            words.firstIndex(of: option).flatMap { $0 + 1 < words.count ? words[$0 + 1] : nil }
        }
        guard let transport = value("-proto").flatMap(TransportProtocol.init),
            let port = value("-host-port").flatMap({ UInt16($0) })
        else { return nil }
        return PortRange(transport, port...port)
    }

    private static func name(_ process: String) -> String? { text("\(process)/comm").map { $0.filter { $0 != "\n" } } }

    private static func text(_ path: String) -> String? {
        (try? File.read(path)).map { String(decoding: $0, as: UTF8.self) }
    }
}
