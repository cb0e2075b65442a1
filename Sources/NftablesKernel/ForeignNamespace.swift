internal import Glibc

/// What is set up or emptied was made for that, and is never the network namespace that this program is in itself.
enum ForeignNamespace {
    /// Ends the work where the file stands for the network namespace of this thread or of this process. They are compared as files:
    /// every kernel can, and one before 5.14 tells no cookie.
    static func demand(_ path: String, to operation: String, _ object: String) throws(NetlinkError) {
        let wanted = try identity(path, operation, object)
        for own in ["/proc/thread-self/ns/net", "/proc/self/ns/net"]
        where try identity(own, operation, object) == wanted {
            throw NetlinkError(
                operation: operation, object: object, code: EPERM,
                detail: "that is done in a namespace of this program's own making and nowhere else")
        }
    }

    private struct Identity: Equatable {
        var device: dev_t
        var number: ino_t
    }

    private static func identity(
        _ path: String, _ operation: String, _ object: String
    ) throws(NetlinkError) -> Identity {
        var status = stat()
        // The kernel fills it during the call.
        guard unsafe stat(path, &status) == 0 else {
            throw NetlinkError(operation: operation, object: object, code: errno, detail: "no file \(path)")
        }
        return Identity(device: status.st_dev, number: status.st_ino)
    }
}
