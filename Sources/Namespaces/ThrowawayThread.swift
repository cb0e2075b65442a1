internal import Glibc

/// A thread that does one thing and ends: what it does to itself ends with it.
public final class ThrowawayThread {
    private let work: () -> Void

    private init(_ work: @escaping () -> Void) { self.work = work }

    /// Comes back when the work is done. `failed` makes an error of the `errno` where there can be no thread.
    public static func run<Value, Failure: Error>(
        failed: (Int32) -> Failure, _ work: @escaping () throws(Failure) -> Value
    ) throws(Failure) -> Value {
        var outcome: Result<Value, Failure> = .failure(failed(ECANCELED))
        let code = start(
            ThrowawayThread {
                do throws(Failure) { outcome = .success(try work()) } catch { outcome = .failure(error) }
            })
        if code != 0 { throw failed(code) }
        return try outcome.get()
    }

    private static func start(_ thread: ThrowawayThread) -> Int32 {
        let start: @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? = { argument in
            // SAFETY: below it is waited for this thread, and the object kept alive until then.
            if let argument = unsafe argument {
                unsafe Unmanaged<ThrowawayThread>.fromOpaque(argument).takeUnretainedValue().work()
            }
            return nil
        }
        var identifier = pthread_t()
        return withExtendedLifetime(thread) {
            let code = unsafe pthread_create(&identifier, nil, start, Unmanaged.passUnretained(thread).toOpaque())
            // SAFETY: the thread was started and is joined once.
            return code == 0 ? pthread_join(identifier, nil) : code
        }
    }
}
