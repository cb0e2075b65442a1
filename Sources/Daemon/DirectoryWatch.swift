internal import Glibc

/// Tells when files of these names are made in a directory, moved there or written.
public struct DirectoryWatch: ~Copyable, Sendable {
    public let descriptor: Int32
    private let names: Set<String>

    public init(_ path: String, names: Set<String>) throws(SystemFailure) {
        self.names = names
        descriptor = inotify_init1(Int32(IN_CLOEXEC) | Int32(IN_NONBLOCK))
        guard descriptor >= 0 else { throw SystemFailure("inotify_init1", errno) }
        let events = UInt32(IN_CREATE) | UInt32(IN_MOVED_TO) | UInt32(IN_CLOSE_WRITE)
        // The path is read during the call only. The descriptor is closed with this value, also when this throws.
        guard unsafe inotify_add_watch(descriptor, path, events) >= 0 else {
            throw SystemFailure("inotify_add_watch \(path)", errno)
        }
    }

    deinit { _ = close(descriptor) }

    /// Whether any of the names was among what has happened since the last call, or may have been.
    public func take() -> Bool {
        var page = [UInt8](repeating: 0, count: 4096)
        var isFound = false
        while true {
            // No more than the array holds is written into it.
            let count = unsafe read(descriptor, &page, page.count)
            guard count > 0 else { return isFound }
            if concerns(page[..<count]) { isFound = true }
        }
    }

    private func concerns(_ bytes: ArraySlice<UInt8>) -> Bool {
        var rest = bytes
        // wd, mask, cookie and the length of the name, 32 bits each; then the name, filled up with NUL.
        while rest.count >= 16 {
            let mask = Self.number(rest.dropFirst(4))
            let length = Int(Self.number(rest.dropFirst(12)))
            let name = String(decoding: rest.dropFirst(16).prefix(length).prefix { $0 != 0 }, as: UTF8.self)
            if names.contains(name) || mask & UInt32(IN_Q_OVERFLOW) != 0 { return true }
            rest = rest.dropFirst(16 + length)
        }
        return false
    }

    /// As this machine orders bytes.
    private static func number(_ bytes: ArraySlice<UInt8>) -> UInt32 {
        UInt32(littleEndian: bytes.prefix(4).reversed().reduce(0) { $0 << 8 | UInt32($1) })
    }
}
