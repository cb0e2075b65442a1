internal import CLinux
internal import Glibc
internal import Namespaces

/// A network namespace that nobody else can find: it lives as long as its descriptor, and the sockets that were opened in it.
struct PrivateNamespace: ~Copyable {
    let descriptor: Int32

    /// For whoever opens namespaces by name.
    var path: String { "/proc/self/fd/\(descriptor)" }

    init() throws(StageError) {
        descriptor = try ThrowawayThread.run(failed: { .failed("start", "thread", $0) }) { () throws(StageError) in
            let code = clinux_make_network_namespace()
            guard code == 0 else { throw .failed("make", "network namespace", code) }
            return try File.open("/proc/thread-self/ns/net", O_RDONLY)
        }
    }

    deinit { _ = close(descriptor) }

    /// On a thread that has entered it: sockets opened there stay there.
    func run<Value>(_ body: @escaping () throws(StageError) -> Value) throws(StageError) -> Value {
        let descriptor = self.descriptor
        return try ThrowawayThread.run(failed: { .failed("start", "thread", $0) }) { () throws(StageError) in
            let code = clinux_enter_network_namespace(descriptor)
            guard code == 0 else { throw .failed("enter", "network namespace", code) }
            return try body()
        }
    }

    /// Writes settings under `/proc/sys/net`, in order. Those of IPv6, and of filters of bridges, are not there where the kernel has none.
    func set(_ settings: [(name: String, value: String)]) throws(StageError) {
        try run { () throws(StageError) in
            for (name, value) in settings {
                let path = "/proc/sys/net/\(name)"
                do throws(StageError) { try File.write(value, to: path) } catch {
                    let mayBeMissing = name.hasPrefix("ipv6/") || name.hasPrefix("bridge/")
                    if case .system(_, _, ENOENT) = error, mayBeMissing { continue }
                    throw error
                }
            }
        }
    }
}

enum File {
    static func open(_ path: String, _ flags: Int32) throws(StageError) -> Int32 {
        let descriptor = unsafe Glibc.open(path, flags | O_CLOEXEC)
        guard descriptor >= 0 else { throw .failed("open", path) }
        return descriptor
    }

    /// The beginning of a file of the kernel's, which is all of those that are asked for.
    static func text(_ path: String) -> String? {
        guard let descriptor = try? open(path, O_RDONLY) else { return nil }
        defer { _ = close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 4096)
        // No more is written than there is room for.
        let count = unsafe read(descriptor, &bytes, bytes.count)
        return count < 0 ? nil : String(decoding: bytes.prefix(count), as: UTF8.self)
    }

    /// In one call, as the files of the kernel want it.
    static func write(_ text: String, to path: String) throws(StageError) {
        let descriptor = try open(path, O_WRONLY)
        defer { _ = close(descriptor) }
        let bytes = Array(text.utf8)
        // The bytes are read during the call only, and no more of them than there are.
        guard unsafe Glibc.write(descriptor, bytes, bytes.count) == bytes.count else {
            throw .failed("write \(text) to", path)
        }
    }
}
