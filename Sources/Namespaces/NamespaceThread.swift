internal import CLinux
internal import Glibc

/// A thread that enters a network namespace, does one thing there and ends.
///
/// A thread that others use must never enter one: what they do next would happen there.
public enum NamespaceThread {
    /// Does the work in the network namespace that the file stands for (`/run/netns/NAME`, `/proc/PID/ns/net`), and comes back when it
    /// is done. `failed` makes an error of the `errno` where it cannot be entered.
    public static func run<Value, Failure: Error>(
        _ path: String, failed: @escaping (Int32) -> Failure, _ work: @escaping () throws(Failure) -> Value
    ) throws(Failure) -> Value {
        try ThrowawayThread.run(failed: failed) { () throws(Failure) in
            let code = enter(path)
            if code != 0 { throw failed(code) }
            return try work()
        }
    }

    private static func enter(_ path: String) -> Int32 {
        let file = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return errno }
        defer { _ = close(file) }
        return clinux_enter_network_namespace(file)
    }
}
