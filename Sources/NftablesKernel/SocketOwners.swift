internal import Files
internal import Glibc
public import HostRules

/// Who holds sockets, as far as `/proc` lets this process see. It looks at every file that any process has open.
public struct SocketOwners: Sendable {
    private var names: [UInt32: [String]] = [:]

    /// Of these sockets. The processes need not be in this network namespace, only in this `/proc`.
    public init(of listeners: [HostListener]) {
        let wanted = Set(listeners.map(\.inode)).subtracting([0])
        guard !wanted.isEmpty else { return }
        for process in Self.entries("/proc") where process.utf8.allSatisfy({ 48...57 ~= $0 }) {
            var held: Set<UInt32> = []
            for file in Self.entries("/proc/\(process)/fd") {
                if let inode = Self.socket("/proc/\(process)/fd/\(file)"), wanted.contains(inode) { held.insert(inode) }
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

    private static func entries(_ path: String) -> [String] {
        // SAFETY: the directory is open until it is closed below; an entry is copied before the next is read.
        guard let directory = unsafe opendir(path) else { return [] }
        defer { _ = unsafe closedir(directory) }
        var names: [String] = []
        while let entry = unsafe readdir(directory) {
            let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if !name.hasPrefix(".") { names.append(name) }
        }
        return names
    }

    /// The inode of `socket:[123]`, where the link leads to a socket.
    private static func socket(_ path: String) -> UInt32? {
        var buffer = [UInt8](repeating: 0, count: 64)
        // SAFETY: the buffer's own length goes with it, and it lives as long as the call.
        let count = unsafe buffer.withUnsafeMutableBytes { buffer in
            unsafe buffer.baseAddress.map {
                unsafe readlink(path, $0.assumingMemoryBound(to: CChar.self), buffer.count)
            } ?? 0
        }
        guard count > 0 else { return nil }
        let text = String(decoding: buffer.prefix(count), as: UTF8.self)
        guard text.hasPrefix("socket:["), text.hasSuffix("]") else { return nil }
        return UInt32(text.dropFirst("socket:[".count).dropLast())
    }
}
