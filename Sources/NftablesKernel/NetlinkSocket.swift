internal import CLinux
internal import CMnl
internal import Glibc

/// A socket to a part of the kernel, its netfilter for one, in the network namespace in which it was opened, wherever it is used.
@safe
struct NetlinkSocket: ~Copyable {
    /// What the kernel puts into one datagram of a dump at most; smaller buffers make dumps slower, larger ones nothing faster.
    static let pageSize = 32 * 1024

    /// How long the kernel may take before it is believed to say nothing more. It answers before `sendmsg` returns.
    private static let patience = timeval(tv_sec: 5, tv_usec: 0)

    let descriptor: Int32
    private var page = [UInt8](repeating: 0, count: pageSize)

    enum Reception: ~Escapable {
        case bytes(RawSpan)
        /// Nothing is there.
        case nothing
        /// Answers were lost for want of room; what came before them is still to be had.
        case overrun
    }

    /// Opens it in the calling thread's network namespace.
    init() throws(NetlinkError) { try self.init(descriptor: Self.open()) }

    /// Takes over an open socket.
    init(descriptor: Int32) throws(NetlinkError) {
        self.descriptor = descriptor
        try setOption(SOL_NETLINK, NETLINK_EXT_ACK, Int32(1))
        // Or every error brings back the message that it is about.
        try setOption(SOL_NETLINK, NETLINK_CAP_ACK, Int32(1))
        try setOption(SOL_SOCKET, SO_RCVTIMEO, Self.patience)
    }

    deinit { _ = close(descriptor) }

    static func open(_ family: Int32 = NETLINK_NETFILTER) throws(NetlinkError) -> Int32 {
        let type = Int32(SOCK_RAW.rawValue | SOCK_CLOEXEC.rawValue)
        let descriptor = socket(AF_NETLINK, type, family)
        guard descriptor >= 0 else { throw Self.error("open", errno) }
        return descriptor
    }

    var namespaceCookie: UInt64? {
        var cookie: UInt64 = 0
        // SAFETY: the call writes one UInt64.
        return unsafe clinux_network_namespace_cookie(descriptor, &cookie) == 0 ? cookie : nil
    }

    /// Whether its network namespace has an interface of this name.
    func hasInterface(named name: String) throws(NetlinkError) -> Bool {
        // SAFETY: the call reads the name up to its zero, which lives as long as the call.
        let answer = unsafe clinux_has_interface(descriptor, name)
        guard answer >= 0 else {
            throw NetlinkError(operation: "look for", object: "interface \(name)", code: -answer)
        }
        return answer != 0
    }

    /// From now on hears what the kernel tells a group. A socket without an address of its own would hear nothing.
    func join(_ group: UInt32) throws(NetlinkError) {
        var address = sockaddr_nl()
        address.nl_family = sa_family_t(AF_NETLINK)
        // SAFETY: the pointer goes with the size of what it points to, and lives as long as the call.
        let bound = unsafe withUnsafePointer(to: address) { address in
            unsafe address.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_nl>.size))
            }
        }
        guard bound == 0 else { throw Self.error("set up", errno) }
        try setOption(SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, group)
    }

    /// By which the kernel tells it from other sockets; 0 before it has sent anything.
    var port: UInt32 {
        var address = sockaddr_nl()
        var length = socklen_t(MemoryLayout<sockaddr_nl>.size)
        // SAFETY: as many bytes are written as `length` says.
        let code = unsafe withUnsafeMutablePointer(to: &address) { address in
            unsafe address.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe getsockname(descriptor, $0, &length)
            }
        }
        return code == 0 ? address.nl_pid : 0
    }

    /// Sends all of it at once.
    func send(_ messages: borrowing MessageBuffer) throws(NetlinkError) {
        let (sent, code) = unsafe messages.withBytes { bytes in
            while true {
                // SAFETY: the bytes live as long as the call.
                let sent = unsafe Glibc.send(descriptor, bytes.baseAddress, bytes.count, 0)
                if sent >= 0 || errno != EINTR { return (sent, errno) }
            }
        }
        if sent < 0 { throw Self.error("send to", code) }
        if sent != messages.count { throw Self.error("send to", EMSGSIZE) }
    }

    /// The next datagram from the kernel.
    @_lifetime(&self)
    mutating func receive(waiting: Bool) throws(NetlinkError) -> Reception {
        while true {
            var sender = sockaddr_nl()
            let flags = Int32(MSG_TRUNC) | (waiting ? 0 : Int32(MSG_DONTWAIT))
            let (received, code) = receive(flags, &sender)
            if received < 0 {
                switch code {
                case EINTR: continue
                case EAGAIN: return .nothing
                case ENOBUFS: return .overrun
                default: throw Self.error("receive from", code)
                }
            }
            // Only the kernel has the port number 0; nobody else is listened to.
            guard sender.nl_pid == 0 else { continue }
            // With MSG_TRUNC the length is that of the datagram, not of what there was room for.
            guard received <= page.count else { throw Self.error("receive from", EMSGSIZE) }
            // SAFETY: any bytes are valid bytes.
            return .bytes(unsafe page.span.bytes.extracting(0..<received))
        }
    }

    private mutating func receive(_ flags: Int32, _ sender: inout sockaddr_nl) -> (Int, Int32) {
        var length = socklen_t(MemoryLayout<sockaddr_nl>.size)
        // SAFETY: each pointer goes with the size of what it points to, and lives as long as the call.
        return unsafe page.withUnsafeMutableBytes { page in
            unsafe withUnsafeMutablePointer(to: &sender) { sender in
                unsafe sender.withMemoryRebound(to: sockaddr.self, capacity: 1) { sender in
                    let received = unsafe recvfrom(descriptor, page.baseAddress, page.count, flags, sender, &length)
                    return (received, errno)
                }
            }
        }
    }

    /// Makes room for a batch, and for an answer to every message of it.
    func makeRoom(sending byteCount: Int, answers: Int) {
        // A failure shows when the batch is sent. The forced size asks for CAP_NET_ADMIN, and else the limit of the system counts.
        // Less than what is there by default would shrink it.
        let send = Int32(clamping: max(byteCount, Self.defaultSize))
        if !tryOption(SOL_SOCKET, SO_SNDBUFFORCE, send) { _ = tryOption(SOL_SOCKET, SO_SNDBUF, send) }
        // The kernel counts an answer with its bookkeeping, somewhat under 1 KiB. One answer is all that is needed to fail.
        let receive = Int32(clamping: max(min(answers, Self.greatestAnswers) * 1024, Self.defaultSize))
        if !tryOption(SOL_SOCKET, SO_RCVBUFFORCE, receive) { _ = tryOption(SOL_SOCKET, SO_RCVBUF, receive) }
    }

    /// net.core.wmem_default as kernels have it.
    private static let defaultSize = 212_992
    private static let greatestAnswers = 8192

    private func setOption<Value: BitwiseCopyable>(
        _ level: Int32, _ option: Int32, _ value: Value
    ) throws(NetlinkError) {
        if !tryOption(level, option, value) { throw Self.error("set up", errno) }
    }

    private func tryOption<Value: BitwiseCopyable>(_ level: Int32, _ option: Int32, _ value: Value) -> Bool {
        var value = value
        // SAFETY: the pointer goes with the size of what it points to.
        return unsafe setsockopt(descriptor, level, option, &value, socklen_t(MemoryLayout<Value>.size)) == 0
    }

    private static func error(_ operation: String, _ code: Int32) -> NetlinkError {
        NetlinkError(operation: operation, object: "netlink socket", code: code)
    }
}
