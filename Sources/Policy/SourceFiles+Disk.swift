internal import Glibc

extension SourceFiles {
    /// The file system. Pipes are read too, for `<(...)` of a shell.
    public static var disk: Self {
        Self { path, limit in
            // C would end the path there, and open another file.
            if path.utf8.contains(0) { return .failure(.missing) }
            // SAFETY: open(2) reads the text up to the NUL that Swift appends, and only during the call.
            let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY)
            if descriptor < 0 { return .failure(Failure(errno: errno)) }
            defer { close(descriptor) }
            return contents(of: descriptor, limit: limit)
        }
    }

    private static func contents(of descriptor: CInt, limit: Int) -> Result<[UInt8], Failure> {
        // SAFETY: fstat(2) fills the structure that it is handed.
        var status = stat()
        if unsafe fstat(descriptor, &status) != 0 { return .failure(Failure(errno: errno)) }
        let size = Int(clamping: status.st_size)
        let kind = status.st_mode & S_IFMT
        if kind == S_IFDIR { return .failure(.isDirectory) }
        if size > limit { return .failure(.tooLarge) }
        // One byte more than the file holds, so that its end is seen by the first read that is short.
        var bytes: [UInt8] = []
        var room = kind == S_IFREG ? size + 1 : 1 << 16
        while true {
            var count = 0
            // SAFETY: the buffer has `room` bytes, of which read(2) fills `count`, and only those are taken.
            let part = unsafe [UInt8](unsafeUninitializedCapacity: room) { buffer, initialized in
                repeat {
                    count = unsafe Glibc.read(descriptor, buffer.baseAddress, room)
                } while count < 0 && errno == EINTR
                initialized = max(count, 0)
            }
            if count < 0 { return .failure(Failure(errno: errno)) }
            if count == 0 { return .success(bytes) }
            if bytes.isEmpty { bytes = part } else { bytes += part }
            if bytes.count > limit { return .failure(.tooLarge) }
            room = 1 << 16
        }
    }
}

extension SourceFiles.Failure {
    fileprivate init(errno code: CInt) {
        switch code {
        case ENOENT, ENOTDIR: self = .missing
        case EISDIR: self = .isDirectory
        case EACCES, EPERM: self = .denied
        default:
            // SAFETY: strerror answers a NUL-terminated text, which is copied at once.
            self = .unreadable(reason: unsafe String(cString: strerror(code)))
        }
    }
}
