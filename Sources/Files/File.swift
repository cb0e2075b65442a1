internal import Glibc

/// Whole small files, and directories. Every failure is the errno of the call that failed.
public enum File {
    public struct Failure: Error, Hashable, Sendable, CustomStringConvertible {
        public var path: String
        public var code: Int32

        public enum Kind: Hashable, Sendable {
            case missing
            case isDirectory
            case denied
            case tooLarge
            case other
        }

        public var kind: Kind {
            switch code {
            case ENOENT, ENOTDIR: .missing
            case EISDIR: .isDirectory
            case EACCES, EPERM: .denied
            case EFBIG: .tooLarge
            case _: .other
            }
        }

        /// What the kernel's error means, without the path.
        public var reason: String {
            // strerror's text is copied before anything else can change it.
            unsafe String(cString: strerror(code))
        }

        public var description: String { "\(path): \(reason)" }
    }

    /// The whole of a file, or of what a pipe gives until its end; a `tooLarge` failure where that is more than `limit` bytes.
    public static func read(_ path: String, atMost limit: Int = .max - 1) throws(Failure) -> [UInt8] {
        // C would end the path there, and open another file.
        if path.utf8.contains(0) { throw Failure(path: path, code: ENOENT) }
        // The path is read during the call only.
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY)
        guard descriptor >= 0 else { throw Failure(path: path, code: errno) }
        defer { _ = close(descriptor) }
        // Files of /proc say that they are empty: the end is where nothing more comes.
        var status = stat()
        let size = unsafe fstat(descriptor, &status) == 0 ? Int(status.st_size) : 0
        if status.st_mode & S_IFMT == S_IFREG, size > limit { throw Failure(path: path, code: EFBIG) }
        // One byte more than the file holds, so that its end is seen by the first read that is short.
        var bytes: [UInt8] = Array(repeating: 0, count: max(min(size, limit) + 1, 4096))
        var count = 0
        while true {
            if count == bytes.count { bytes += Array(repeating: 0, count: bytes.count) }
            let room = bytes.count - count
            // Fills the array from `count` to its end at the most.
            let got = unsafe bytes.withUnsafeMutableBytes { buffer in
                unsafe Glibc.read(descriptor, buffer.baseAddress?.advanced(by: count), room)
            }
            if got == 0 { break }
            if got > 0 { count += got } else if errno != EINTR { throw Failure(path: path, code: errno) }
            if count > limit { throw Failure(path: path, code: EFBIG) }
        }
        bytes.removeSubrange(count...)
        return bytes
    }

    /// The number of a file or directory in its file system; nil where there is none.
    public static func inode(_ path: String) -> UInt64? {
        var status = stat()
        // The path is read and the structure filled during the call only.
        return unsafe stat(path, &status) == 0 ? UInt64(status.st_ino) : nil
    }

    /// The names in a directory, in no order.
    public static func names(in path: String) throws(Failure) -> [String] {
        guard let directory = unsafe opendir(path) else { throw Failure(path: path, code: errno) }
        defer { _ = unsafe closedir(directory) }
        var names: [String] = []
        // Each entry is copied before the next one takes its place.
        while let entry = unsafe readdir(directory) {
            let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                unsafe pointer.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names
    }

    /// What a symbolic link says; nil where there is none.
    public static func target(ofLink path: String) -> String? {
        var bytes: [UInt8] = Array(repeating: 0, count: Int(PATH_MAX))
        // Fills the array at the most; the path is read during the call only.
        let room = bytes.count
        let count = unsafe bytes.withUnsafeMutableBufferPointer { buffer in
            unsafe buffer.baseAddress.map { start in
                unsafe start.withMemoryRebound(to: CChar.self, capacity: room) { unsafe readlink(path, $0, room) }
            } ?? -1
        }
        return count < 0 ? nil : String(decoding: bytes.prefix(count), as: UTF8.self)
    }

    /// The inode in `socket:[123]`, which is what a link of `/proc/PID/fd` says of a socket; nil of anything else.
    public static func socketInode(_ target: String) -> UInt32? {
        guard target.hasPrefix("socket:["), target.hasSuffix("]") else { return nil }
        return UInt32(target.dropFirst("socket:[".count).dropLast())
    }

    /// In one step: a reader finds the old file or the new one, whole. Only its owner may read it.
    public static func replace(_ path: String, with bytes: [UInt8]) throws(Failure) {
        let fresh = "\(path).\(getpid())"
        _ = unsafe unlink(fresh)
        // O_EXCL: never through a link that somebody has put there.
        let descriptor = unsafe open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw Failure(path: fresh, code: errno) }
        let written = write(bytes, to: descriptor)
        let closed = close(descriptor) == 0 ? 0 : errno
        let code = written != 0 ? written : closed
        // Both paths are read during the call only.
        guard code == 0, unsafe Glibc.rename(fresh, path) == 0 else {
            let failure = Failure(path: path, code: code != 0 ? code : errno)
            _ = unsafe unlink(fresh)
            throw failure
        }
    }

    private static func write(_ bytes: [UInt8], to descriptor: Int32) -> Int32 {
        var sent = 0
        while sent < bytes.count {
            // Reads within the array, from `sent` to its end.
            let count = unsafe bytes.withUnsafeBytes { buffer in
                unsafe Glibc.write(descriptor, buffer.baseAddress?.advanced(by: sent), bytes.count - sent)
            }
            if count > 0 { sent += count } else if errno != EINTR { return errno }
        }
        return 0
    }

    /// For its owner alone, with the directories above it.
    public static func makeDirectory(_ path: String) throws(Failure) {
        var made = path.hasPrefix("/") ? "" : "."
        for name in path.split(separator: "/") {
            made += "/\(name)"
            guard unsafe mkdir(made, 0o700) == 0 || errno == EEXIST else { throw Failure(path: made, code: errno) }
        }
    }

    /// In one step, in place of what may be there.
    public static func rename(_ path: String, to target: String) throws(Failure) {
        // Both paths are read during the call only.
        guard unsafe Glibc.rename(path, target) == 0 else { throw Failure(path: path, code: errno) }
    }

    public static func remove(_ path: String) { _ = unsafe unlink(path) }
}
