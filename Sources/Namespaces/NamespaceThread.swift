internal import CLinux
internal import Glibc

/// A thread that enters a network namespace, does one thing there and ends.
///
/// A thread that others use must never enter one: what they do next would happen there.
public final class NamespaceThread {
    private let path: String
    private let work: () -> Void
    private var failure: Int32 = 0

    private init(_ path: String, _ work: @escaping () -> Void) {
        self.path = path
        self.work = work
    }

    /// Does the work in the network namespace that the file stands for (`/run/netns/NAME`, `/proc/PID/ns/net`), and comes back when it
    /// is done. `failed` makes an error of the `errno` where it cannot be entered.
    public static func run<Value, Failure: Error>(
        _ path: String, failed: (Int32) -> Failure, _ work: @escaping () throws(Failure) -> Value
    ) throws(Failure) -> Value {
        var outcome: Result<Value, Failure> = .failure(failed(ECANCELED))
        let code = enter(path) {
            do throws(Failure) { outcome = .success(try work()) } catch { outcome = .failure(error) }
        }
        if code != 0 { throw failed(code) }
        return try outcome.get()
    }

    private static func enter(_ path: String, _ work: @escaping () -> Void) -> Int32 {
        let entry = NamespaceThread(path, work)
        var thread = pthread_t()
        let start: @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? = { argument in
            // SAFETY: `run` waits for this thread and keeps the object alive until then.
            if let argument = unsafe argument {
                unsafe Unmanaged<NamespaceThread>.fromOpaque(argument).takeUnretainedValue().enter()
            }
            return nil
        }
        let code = withExtendedLifetime(entry) {
            let code = unsafe pthread_create(&thread, nil, start, Unmanaged.passUnretained(entry).toOpaque())
            // SAFETY: the thread was started and is joined once.
            return code == 0 ? pthread_join(thread, nil) : code
        }
        return code == 0 ? entry.failure : code
    }

    private func enter() {
        let file = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return failure = errno }
        defer { _ = close(file) }
        failure = clinux_enter_network_namespace(file)
        if failure == 0 { work() }
    }
}
