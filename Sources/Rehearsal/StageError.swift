public import NftablesKernel
internal import Glibc

/// Why there is no stage, or no answer from it.
public enum StageError: Error, Hashable, Sendable {
    /// The kernel refused a link, an address or a route.
    case link(NetlinkError)
    /// A call of the kernel failed: what was being done, to what, and the errno.
    case system(doing: String, object: String, code: Int32)
    /// The setting contradicts itself, or is more than a stage can be.
    case setting(String)
    /// The kernel does not let this user make a user namespace.
    case userNamespaceForbidden(by: String)
    /// The host in the stage stopped answering.
    case unresponsive(String)

    static func failed(_ doing: String, _ object: String, _ code: Int32 = errno) -> Self {
        .system(doing: doing, object: object, code: code)
    }
}

extension StageError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .link(let error): error.description
        case .system(let doing, let object, let code): "\(doing) \(object): \(Self.text(of: code))"
        case .setting(let what): what
        case .userNamespaceForbidden(let why): "the kernel lets this user make no user namespace: \(why)"
        case .unresponsive(let what): "no answer from \(what)"
        }
    }

    private static func text(of code: Int32) -> String {
        // The text is copied before anything else can change it.
        unsafe String(cString: strerror(code))
    }
}

extension StageError {
    /// A netlink error as one of ours.
    static func linking<Value: ~Copyable>(_ body: () throws(NetlinkError) -> Value) throws(StageError) -> Value {
        do throws(NetlinkError) { return try body() } catch { throw .link(error) }
    }
}
