import Glibc

/// What a read from a non-blocking socket gave.
enum Reception: Hashable {
    case bytes([UInt8])
    case nothingYet
    case end
    case failed(Int32)
}

/// Where a datagram came from, and by which of our addresses: enough to answer it from that address.
struct DatagramOrigin: Sendable {
    fileprivate var peer = sockaddr_storage()
    fileprivate var peerLength: socklen_t = 0
    /// IP_PKTINFO as received. Sent back unchanged, it makes the kernel answer from the address that was asked.
    fileprivate var control: [UInt8] = []

    /// Tells peers apart.
    var key: [UInt8] { unsafe withUnsafeBytes(of: peer) { unsafe Array($0.prefix(Int(peerLength))) } }
}

/// A non-blocking socket, closed with its last reference. It belongs to the namespace of the thread that made it.
final class Socket: Sendable {
    let descriptor: Int32

    init(family: Int32, type: __socket_type, protocol number: Int32 = 0) throws {
        descriptor = socket(
            family, Int32(type.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue), number)
        guard descriptor >= 0 else { throw BenchError("socket", errno: errno) }
    }

    private init(descriptor: Int32) { self.descriptor = descriptor }

    deinit { close(descriptor) }

    func set(_ level: Int32, _ option: Int32, to value: Int32 = 1) throws {
        let size = socklen_t(MemoryLayout<Int32>.size)
        let status = unsafe withUnsafePointer(to: value) {
            unsafe setsockopt(descriptor, level, option, $0, size)
        }
        guard status == 0 else { throw BenchError("setsockopt \(level) \(option)", errno: errno) }
    }

    /// The error that ended an asynchronous operation, 0 for none. Reading it clears it.
    func takeError() -> Int32 {
        var value: Int32 = 0
        var size = socklen_t(MemoryLayout<Int32>.size)
        unsafe getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &value, &size)
        return value
    }

    /// 0 or an errno.
    func bind(to address: SocketAddress) -> Int32 {
        unsafe address.withPointer { unsafe Glibc.bind(descriptor, $0, $1) } == 0 ? 0 : errno
    }

    /// 0, EINPROGRESS or another errno.
    func connect(to address: SocketAddress) -> Int32 {
        unsafe address.withPointer { unsafe Glibc.connect(descriptor, $0, $1) } == 0 ? 0 : errno
    }

    func listen() throws {
        guard Glibc.listen(descriptor, 4096) == 0 else { throw BenchError("listen", errno: errno) }
    }

    /// The next connection that waits, if one does.
    func accept() -> Socket? {
        let accepted = Glibc.accept(descriptor, nil, nil)
        guard accepted >= 0 else { return nil }
        _ = fcntl(accepted, F_SETFL, O_NONBLOCK)
        _ = fcntl(accepted, F_SETFD, FD_CLOEXEC)
        return Socket(descriptor: accepted)
    }

    /// 0 or an errno.
    @discardableResult
    func send(_ bytes: [UInt8]) -> Int32 {
        unsafe Glibc.send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL)) >= 0 ? 0 : errno
    }

    /// 0 or an errno.
    @discardableResult
    func send(_ bytes: [UInt8], to address: SocketAddress) -> Int32 {
        let sent = unsafe address.withPointer { pointer, length in
            unsafe sendto(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL), pointer, length)
        }
        return sent >= 0 ? 0 : errno
    }

    func receive() -> Reception {
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = unsafe recv(descriptor, &buffer, buffer.count, 0)
        if count > 0 { return .bytes(Array(buffer[..<count])) }
        if count == 0 { return .end }
        return errno == EAGAIN || errno == EINTR ? .nothingYet : .failed(errno)
    }

    /// Makes `receiveDatagram` say by which address a datagram came.
    func reportDestinations(family: Int32) throws {
        if family == AF_INET {
            try set(Int32(IPPROTO_IP), IP_PKTINFO)
        } else {
            try set(Int32(IPPROTO_IPV6), IPV6_RECVPKTINFO)
        }
    }

    func receiveDatagram() -> (bytes: [UInt8], origin: DatagramOrigin)? {
        var origin = DatagramOrigin()
        var buffer = [UInt8](repeating: 0, count: 4096)
        var control = [UInt8](repeating: 0, count: 128)
        let count = unsafe withMessage(&buffer, &control, &origin.peer) { message in
            unsafe message.msg_namelen = socklen_t(MemoryLayout<sockaddr_storage>.size)
            let count = unsafe recvmsg(descriptor, &message, 0)
            unsafe origin.peerLength = message.msg_namelen
            unsafe origin.control = [UInt8](repeating: 0, count: message.msg_controllen)
            return count
        }
        guard count >= 0 else { return nil }
        origin.control = Array(control.prefix(origin.control.count))
        return (Array(buffer[..<count]), origin)
    }

    /// 0 or an errno.
    @discardableResult
    func send(_ bytes: [UInt8], backTo origin: DatagramOrigin) -> Int32 {
        var (bytes, control, peer) = (bytes, origin.control, origin.peer)
        let sent = unsafe withMessage(&bytes, &control, &peer) { message in
            unsafe message.msg_namelen = origin.peerLength
            return unsafe sendmsg(descriptor, &message, Int32(MSG_NOSIGNAL))
        }
        return sent >= 0 ? 0 : errno
    }

    /// A msghdr over the three buffers, which outlive the call that `body` makes with it.
    private func withMessage(
        _ bytes: inout [UInt8], _ control: inout [UInt8], _ peer: inout sockaddr_storage,
        _ body: (inout msghdr) -> Int
    ) -> Int {
        unsafe bytes.withUnsafeMutableBytes { bytes in
            unsafe control.withUnsafeMutableBytes { control in
                unsafe withUnsafeMutableBytes(of: &peer) { peer in
                    var vector = unsafe iovec(iov_base: bytes.baseAddress, iov_len: bytes.count)
                    return unsafe withUnsafeMutablePointer(to: &vector) { vector in
                        var message = unsafe msghdr()
                        unsafe message.msg_name = peer.baseAddress
                        unsafe message.msg_iov = vector
                        unsafe message.msg_iovlen = 1
                        unsafe message.msg_control = control.baseAddress
                        unsafe message.msg_controllen = control.count
                        return unsafe body(&message)
                    }
                }
            }
        }
    }
}

/// Waits until one of the sockets has something to say. Returns the indices of those that have.
func waitForAny(
    _ sockets: [(descriptor: Int32, writing: Bool)], until deadline: ContinuousClock.Instant?
) -> [Int] {
    var entries = sockets.map {
        pollfd(fd: $0.descriptor, events: Int16($0.writing ? POLLOUT : POLLIN), revents: 0)
    }
    var milliseconds: Int32 = -1
    if let deadline {
        let left = ContinuousClock.now.duration(to: deadline).components
        milliseconds = max(0, Int32(left.seconds) * 1000 + Int32(left.attoseconds / 1_000_000_000_000_000) + 1)
    }
    guard unsafe poll(&entries, nfds_t(entries.count), milliseconds) > 0 else { return [] }
    return entries.indices.filter { entries[$0].revents != 0 }
}
