internal import Files
public import HostRules

/// Who holds sockets, as far as `/proc` lets this process see. It looks at every file that any process has open.
public struct SocketOwners: Sendable {
    private var names: [UInt32: [String]] = [:]

    /// Of these sockets. The processes need not be in this network namespace, only in this `/proc`.
    public init(of listeners: [HostListener]) {
        let wanted = Set(listeners.map(\.inode)).subtracting([0])
        guard !wanted.isEmpty else { return }
        for process in Self.names(in: "/proc") where process.utf8.allSatisfy({ 48...57 ~= $0 }) {
            var held: Set<UInt32> = []
            for file in Self.names(in: "/proc/\(process)/fd") {
                let target = File.target(ofLink: "/proc/\(process)/fd/\(file)")
                if let inode = target.flatMap(File.socketInode), wanted.contains(inode) { held.insert(inode) }
            }
            // One that has ended since has no name, and holds nothing.
            if held.isEmpty { continue }
            guard let name = try? File.read("/proc/\(process)/comm") else { continue }
            let text = String(decoding: name.prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
            for inode in held { names[inode, default: []].append(text) }
        }
    }

    /// The names of the processes that hold it, each once; none where they cannot be seen.
    public func names(of listener: HostListener) -> [String] { Set(names[listener.inode] ?? []).sorted() }

    /// None where it is not there any more, or is not for us to see.
    private static func names(in directory: String) -> [String] { (try? File.names(in: directory)) ?? [] }
}
