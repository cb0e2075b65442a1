internal import CLinux
internal import Files
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
            let file = "/proc/thread-self/ns/net"
            let descriptor = unsafe open(file, O_RDONLY | O_CLOEXEC)
            guard descriptor >= 0 else { throw .failed("open", file) }
            return descriptor
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
                do throws(File.Failure) { try File.set(path, to: value) } catch {
                    let mayBeMissing = name.hasPrefix("ipv6/") || name.hasPrefix("bridge/")
                    if error.kind == .missing, mayBeMissing { continue }
                    throw .failed("write \(value) to", path, error.code)
                }
            }
        }
    }
}
