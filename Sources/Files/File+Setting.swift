internal import Glibc

extension File {
    /// A file of the kernel's, which is there already, and takes all of the text at once or refuses it.
    public static func set(_ path: String, to text: String) throws(Failure) {
        // The path is read during the call only.
        let descriptor = unsafe open(path, O_WRONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw Failure(path: path, code: errno) }
        defer { _ = close(descriptor) }
        let bytes = Array(text.utf8)
        // The bytes are read during the call only, and no more of them than there are.
        let count = unsafe Glibc.write(descriptor, bytes, bytes.count)
        guard count == bytes.count else { throw Failure(path: path, code: count < 0 ? errno : EIO) }
    }
}
