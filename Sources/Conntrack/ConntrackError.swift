internal import Glibc

/// Why it is not known which connections are open.
public struct ConntrackError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What was being done.
    public var operation: String
    /// The `errno`.
    public var code: Int32

    public var description: String {
        let advice: String? =
            switch code {
            case EPERM: "this needs the capability CAP_NET_ADMIN in the network namespace"
            case EINVAL, EOPNOTSUPP, EPROTONOSUPPORT: "the kernel lacks the module nf_conntrack_netlink"
            default: nil
            }
        return "\(operation): \(Self.text(of: code))" + (advice.map { "; \($0)" } ?? "")
    }

    private static func text(of code: Int32) -> String {
        var buffer = [CChar](repeating: 0, count: 128)
        // SAFETY: the buffer's own length goes with it, and strerror_r closes what it writes with NUL.
        let failed = unsafe buffer.withUnsafeMutableBufferPointer { buffer in
            guard let base = buffer.baseAddress else { return true }
            return unsafe strerror_r(code, base, buffer.count) != 0
        }
        let bytes = buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
        return failed ? "error \(code)" : String(decoding: bytes, as: UTF8.self)
    }
}
