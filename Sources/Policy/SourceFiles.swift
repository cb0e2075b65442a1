/// Where a policy and the files that it names are read from. Tests read from memory, and so does a fuzzer: nothing but what
/// `read` hands out is ever opened.
public struct SourceFiles: Sendable {
    public enum Failure: Error, Hashable, Sendable {
        case missing
        case isDirectory
        case denied
        case tooLarge
        case unreadable(reason: String)
    }

    /// The bytes of the file at a path, or why there are none. A file of more than `limit` bytes is `tooLarge`.
    public var read: @Sendable (_ path: String, _ limit: Int) -> Result<[UInt8], Failure>

    public init(read: @escaping @Sendable (_ path: String, _ limit: Int) -> Result<[UInt8], Failure>) {
        self.read = read
    }

    public static func inMemory(_ files: [String: [UInt8]]) -> Self {
        Self { path, limit in
            guard let bytes = files[path] else { return .failure(.missing) }
            return bytes.count > limit ? .failure(.tooLarge) : .success(bytes)
        }
    }
}
