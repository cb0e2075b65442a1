internal import Files

/// The processes of the machine, as far as `/proc` shows them to this one.
public struct ProcessTable: Sendable {
    public typealias ID = Int32

    private let root = "/proc"

    public init() {}

    /// None where `/proc` is not there.
    var all: [ID] { ((try? File.names(in: root)) ?? []).compactMap { ID($0) }.sorted() }

    /// This process, then its parent, and so on; empty where `/proc` is not there.
    var lineage: [ID] {
        guard var process = File.target(ofLink: "\(root)/self").flatMap({ ID($0) }) else { return [] }
        var lineage = [process]
        while let parent = parent(of: process), parent > 0, !lineage.contains(parent) {
            lineage.append(parent)
            process = parent
        }
        return lineage
    }

    /// The first 15 bytes of its name.
    func name(of process: ID) -> String? {
        (try? File.read("\(root)/\(process)/comm")).map { bytes in
            String(decoding: bytes.prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
        }
    }

    /// proc_pid_stat(5): `PID (NAME) STATE PARENT`, where a name may hold anything.
    func parent(of process: ID) -> ID? {
        guard let bytes = try? File.read("\(root)/\(process)/stat"),
            let end = bytes.lastIndex(of: UInt8(ascii: ")"))
        else { return nil }
        let fields = bytes[(end + 1)...].split(separator: UInt8(ascii: " "))
        return fields.count > 1 ? ID(String(decoding: fields[1], as: UTF8.self)) : nil
    }

    /// What it was given as `key` when its program was started; nil also where that may not be looked at.
    func environment(of process: ID, _ key: String) -> String? {
        let start = Array("\(key)=".utf8)
        let variables = (try? File.read("\(root)/\(process)/environ"))?.split(separator: 0) ?? []
        return variables.first { $0.starts(with: start) }.map {
            String(decoding: $0.dropFirst(start.count), as: UTF8.self)
        }
    }

    /// The inodes of the sockets that it holds; nil where that may not be looked at.
    func sockets(of process: ID) -> Set<UInt32>? {
        let folder = "\(root)/\(process)/fd"
        let files: [String]
        do throws(File.Failure) { files = try File.names(in: folder) } catch {
            // One that has ended since holds nothing.
            return error.kind == .missing ? [] : nil
        }
        let targets = files.compactMap { File.target(ofLink: "\(folder)/\($0)") }
        // Root may list them all, and follow them only with CAP_SYS_PTRACE.
        if targets.isEmpty, !files.isEmpty { return nil }
        return Set(targets.compactMap(File.socketInode))
    }

    /// Whether any process is seen to hold the socket.
    func showHolder(of inode: UInt32) -> Bool { all.contains { sockets(of: $0)?.contains(inode) ?? false } }
}
