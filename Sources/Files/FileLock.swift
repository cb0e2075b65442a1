internal import Glibc

/// A lock that a process has for as long as this value lives, and no longer: whoever dies lets go of it (fcntl(2), F_SETLK).
public final class FileLock: Sendable {
    private let descriptor: Int32

    /// Waits until it is free.
    public static func wait(for path: String) throws(File.Failure) -> FileLock {
        let lock = FileLock(descriptor: try open(path))
        while control(lock.descriptor, F_SETLKW) != 0 {
            guard errno == EINTR else { throw File.Failure(path: path, code: errno) }
        }
        return lock
    }

    /// Nil where another process has it.
    public static func take(_ path: String) throws(File.Failure) -> FileLock? {
        let descriptor = try open(path)
        if control(descriptor, F_SETLK) == 0 { return FileLock(descriptor: descriptor) }
        let code = errno
        _ = close(descriptor)
        if code == EACCES || code == EAGAIN { return nil }
        throw File.Failure(path: path, code: code)
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
