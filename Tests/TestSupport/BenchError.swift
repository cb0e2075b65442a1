import Glibc

/// What went wrong in the test bench itself, as opposed to in what is tested.
public struct BenchError: Error, Hashable, CustomStringConvertible {
    public let description: String

    public init(_ description: String) { self.description = description }

    /// `operation` failed with an `errno`.
    init(_ operation: String, errno code: Int32) {
        self.init("\(operation): \(errorText(code))")
    }
}

func errorText(_ code: Int32) -> String {
    // strerror may reuse its buffer; the text is copied before anyone else can be given it, or is merely garbled.
    unsafe String(cString: strerror(code))
}
