internal import Glibc

/// Results that could not be written: the disk is full, for one.
public struct OutputFailure: Error, CustomStringConvertible {
    let code: Int32
    /// What has been done before, in the words that could not be written.
    private var deed: String?

    init(code: Int32) { self.code = code }

    public func despite(_ deed: String) -> Self {
        var failure = self
        failure.deed = deed
        return failure
    }

    public var description: String {
        // strerror's text is copied before anything else can change it.
        "cannot write the output: \(unsafe String(cString: strerror(code)))"
            + (deed.map { "; this is done all the same: \($0)" } ?? "")
    }
}
