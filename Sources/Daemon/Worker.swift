internal import Glibc

/// A thread of its own, for work that waits.
///
/// Swift's tasks would run on libdispatch, whose monitor wakes the process every second from its first use on.
public final class Worker: Sendable {
    private let work: @Sendable () -> Void

    private init(_ work: @escaping @Sendable () -> Void) { self.work = work }

    /// It ends with the work, and nobody waits for it.
    public static func start(_ work: @escaping @Sendable () -> Void) throws(SystemFailure) {
        // The thread takes over the one reference that is made here.
        let worker = unsafe Unmanaged.passRetained(Worker(work))
        let begin: @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? = { argument in
            if let argument = unsafe argument {
                unsafe Unmanaged<Worker>.fromOpaque(argument).takeRetainedValue().work()
            }
            return nil
        }
        var thread = pthread_t()
        let code = unsafe pthread_create(&thread, nil, begin, worker.toOpaque())
        guard code == 0 else {
            unsafe worker.release()
            throw SystemFailure("pthread_create", code)
        }
        _ = pthread_detach(thread)
    }

    public static func pause(_ duration: Duration) {
        let (seconds, attoseconds) = duration.components
        var wanted = timespec(tv_sec: Int(seconds), tv_nsec: Int(attoseconds / 1_000_000_000))
        var left = timespec()
        // Both are used during the call only; what a signal has left of the time is slept then.
        while unsafe nanosleep(&wanted, &left) != 0, errno == EINTR { wanted = left }
    }
}
