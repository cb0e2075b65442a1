import Glibc

/// An address and port as the socket calls want them. A link-local address names its interface: `fe80::1%eth0`.
struct SocketAddress: Sendable {
    private(set) var storage = sockaddr_storage()
    private(set) var length: socklen_t = 0

    var family: Int32 { Int32(storage.ss_family) }

    /// To be called inside the namespace that the interface of a link-local address is in.
    init(_ text: String, port: UInt16 = 0) throws {
        let parts = text.split(separator: "%", maxSplits: 1)
        var v4 = sockaddr_in()
        var v6 = sockaddr_in6()
        if unsafe inet_pton(AF_INET, text, &v4.sin_addr) == 1 {
            v4.sin_family = sa_family_t(AF_INET)
            v4.sin_port = port.bigEndian
            length = socklen_t(MemoryLayout<sockaddr_in>.size)
            unsafe withUnsafeMutableBytes(of: &storage) { unsafe $0.storeBytes(of: v4, as: sockaddr_in.self) }
        } else if let host = parts.first, unsafe inet_pton(AF_INET6, String(host), &v6.sin6_addr) == 1 {
            v6.sin6_family = sa_family_t(AF_INET6)
            v6.sin6_port = port.bigEndian
            if parts.count == 2 {
                v6.sin6_scope_id = unsafe if_nametoindex(String(parts[1]))
                guard v6.sin6_scope_id != 0 else { throw BenchError("\(text): no such interface here") }
            }
            length = socklen_t(MemoryLayout<sockaddr_in6>.size)
            unsafe withUnsafeMutableBytes(of: &storage) { unsafe $0.storeBytes(of: v6, as: sockaddr_in6.self) }
        } else {
            throw BenchError("\(text) is no address")
        }
    }

    /// For raw sockets, which take a port for a protocol.
    var withoutPort: SocketAddress {
        var copy = self
        // sin_port and sin6_port are both behind the family.
        unsafe withUnsafeMutableBytes(of: &copy.storage) {
            unsafe $0.storeBytes(of: 0, toByteOffset: 2, as: UInt16.self)
        }
        return copy
    }

    func withPointer<Value>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Value) -> Value {
        unsafe withUnsafeBytes(of: storage) { bytes in
            // A local variable's storage is never empty, and sockaddr_storage is aligned for every sockaddr.
            guard let base = bytes.baseAddress else { preconditionFailure("no storage") }
            return unsafe body(base.assumingMemoryBound(to: sockaddr.self), length)
        }
    }
}
