internal import Glibc

/// A lock that a process has for as long as this value lives, and no longer: whoever dies lets go of it (fcntl(2), F_SETLK).
public final class FileLock: Sendable {
    private let descriptor: Int32

    /// Waits until it is free; nil where it is not wanted any more. `isWanted` is asked again and again, with the time waited so far.
    public static func wait(
        for path: String, while isWanted: (Duration) -> Bool
    ) throws(File.Failure) -> FileLock? {
        let lock = FileLock(descriptor: try open(path))
        let start = ContinuousClock.now
        while try !lock.isTaken(path) {
            guard isWanted(start.duration(to: .now)) else { return nil }
            usleep(pause)
        }
        return lock
    }

    /// Between two attempts, in microseconds: fcntl(2) knows no waiting that ends.
    private static let pause: UInt32 = 2000

    /// Nil where another process has it.
    public static func take(_ path: String) throws(File.Failure) -> FileLock? {
        let lock = FileLock(descriptor: try open(path))
        return try lock.isTaken(path) ? lock : nil
    }

    private func isTaken(_ path: String) throws(File.Failure) -> Bool {
        if Self.control(descriptor, F_SETLK) == 0 { return true }
        switch errno {
        case EACCES, EAGAIN, EINTR: return false
        case let code: throw File.Failure(path: path, code: code)
        }
    }

    private init(descriptor: Int32) { self.descriptor = descriptor }

    deinit { _ = close(descriptor) }

    /// Which process has it. Nothing is made or taken for the question.
    public static func holder(of path: String) -> Int32? {
        // The path is read during the call only.
        let descriptor = unsafe Glibc.open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { _ = close(descriptor) }
        var lock = whole
        // Written during the call.
        guard unsafe fcntl(descriptor, F_GETLK, &lock) == 0, lock.l_type != Int16(F_UNLCK) else { return nil }
        return lock.l_pid
    }

    private static var whole: flock {
        flock(l_type: Int16(F_WRLCK), l_whence: Int16(SEEK_SET), l_start: 0, l_len: 0, l_pid: 0)
    }

    private static func control(_ descriptor: Int32, _ command: Int32) -> Int32 {
        var lock = whole
        // Read during the call.
        return unsafe fcntl(descriptor, command, &lock)
    }

    private static func open(_ path: String) throws(File.Failure) -> Int32 {
        // The path is read during the call only.
        let descriptor = unsafe Glibc.open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw File.Failure(path: path, code: errno) }
        return descriptor
    }
}
