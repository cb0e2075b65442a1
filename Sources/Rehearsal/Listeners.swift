internal import Addressing
internal import CLinux
internal import Glibc

/// The host's own servers: sockets of its kernel, bound to all of its addresses of both families.
final class Listeners {
    /// TCP needs no more: the kernel answers a request by itself, and no connection is completed.
    private var silent: [Int32] = []
    private(set) var datagrams: [pollfd] = []

    /// Opens them in the calling thread's network namespace.
    init(_ ports: [PortRange]) throws(StageError) {
        let wanted = Set(ports.flatMap { range in range.ports.map { PortRange(range.transport, $0...$0) } })
        try Self.makeRoom(for: wanted.count)
        for port in wanted.sorted() {
            switch port.transport {
            case .tcp: silent.append(try Self.open(port, SOCK_STREAM.rawValue))
            case .udp:
                datagrams.append(
                    pollfd(fd: try Self.open(port, SOCK_DGRAM.rawValue), events: Int16(POLLIN), revents: 0))
            case .sctp: continue
            }
        }
    }

    deinit {
        for descriptor in silent { _ = close(descriptor) }
        for entry in datagrams { _ = close(entry.fd) }
    }

    /// Descriptors that are for something else.
    private static let others = 256

    private static func makeRoom(for count: Int) throws(StageError) {
        var limit = rlimit()
        // The pointers live as long as the calls.
        guard unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else {
            throw .failed("read", "limit of open files")
        }
        let wanted = rlim_t(count + others)
        if limit.rlim_cur >= wanted { return }
        guard limit.rlim_max >= wanted else {
            throw .setting("\(count) listeners are more than the limit of \(limit.rlim_max) open files allows")
        }
        limit.rlim_cur = limit.rlim_max
        guard unsafe setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else {
            throw .failed("raise", "limit of open files")
        }
    }

    private static func open(_ port: PortRange, _ type: UInt32) throws(StageError) -> Int32 {
        let flags = Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
        var family = AF_INET6
        var descriptor = socket(family, Int32(type) | flags, 0)
        if descriptor < 0, errno == EAFNOSUPPORT {
            family = AF_INET
            descriptor = socket(family, Int32(type) | flags, 0)
        }
        guard descriptor >= 0 else { throw .failed("open a socket for", "\(port)") }
        do throws(StageError) { try set(up: descriptor, family, port) } catch {
            _ = close(descriptor)
            throw error
        }
        return descriptor
    }

    private static func set(up descriptor: Int32, _ family: Int32, _ port: PortRange) throws(StageError) {
        var (yes, no): (Int32, Int32) = (1, 0)
        let size = socklen_t(MemoryLayout<Int32>.size)
        let number = port.ports.lowerBound.bigEndian
        let bound: Int32
        // All pointers go with the size of what they point to, and live as long as the calls.
        if family == AF_INET6 {
            _ = unsafe setsockopt(descriptor, Int32(IPPROTO_IPV6), IPV6_V6ONLY, &no, size)
            // An answer goes out from the address that was asked.
            _ = unsafe setsockopt(descriptor, Int32(IPPROTO_IPV6), IPV6_RECVPKTINFO, &yes, size)
            var address = sockaddr_in6()
            address.sin6_family = sa_family_t(family)
            address.sin6_port = number
            bound = bind(descriptor, &address)
        } else {
            _ = unsafe setsockopt(descriptor, Int32(IPPROTO_IP), IP_PKTINFO, &yes, size)
            var address = sockaddr_in()
            address.sin_family = sa_family_t(family)
            address.sin_port = number
            bound = bind(descriptor, &address)
        }
        guard bound == 0 else { throw .failed("bind a socket to", "\(port)") }
        if port.transport == .tcp {
            guard listen(descriptor, 4096) == 0 else { throw .failed("listen at", "\(port)") }
        }
    }

    private static func bind<Address>(_ descriptor: Int32, _ address: inout Address) -> Int32 {
        // As above: an address of sockets begins with its family, whichever it is.
        unsafe withUnsafeBytes(of: &address) { bytes in
            guard let base = bytes.baseAddress else { return -1 }
            return unsafe Glibc.bind(
                descriptor, base.assumingMemoryBound(to: sockaddr.self), socklen_t(bytes.count))
        }
    }

    /// Sends back every datagram that waits. Whether there was one.
    func echo() -> Bool {
        if datagrams.isEmpty { return false }
        // The array is written during the call only, no further than its own count.
        guard unsafe poll(&datagrams, nfds_t(datagrams.count), 0) > 0 else { return false }
        for entry in datagrams where entry.revents != 0 {
            while Self.echo(entry.fd) {}
        }
        return true
    }

    /// One datagram. The control message that says by which address it came is the one that says from which to answer.
    private static func echo(_ descriptor: Int32) -> Bool {
        var bytes = [UInt8](repeating: 0, count: 512)
        var control = [UInt8](repeating: 0, count: 128)
        var peer = sockaddr_storage()
        // The three buffers outlive both calls, and the message says how long each is.
        return unsafe bytes.withUnsafeMutableBytes { bytes in
            unsafe control.withUnsafeMutableBytes { control in
                unsafe withUnsafeMutableBytes(of: &peer) { peer in
                    var vector = unsafe iovec(iov_base: bytes.baseAddress, iov_len: bytes.count)
                    return unsafe withUnsafeMutablePointer(to: &vector) { vector in
                        var message = unsafe msghdr()
                        unsafe message.msg_name = peer.baseAddress
                        unsafe message.msg_namelen = socklen_t(peer.count)
                        unsafe message.msg_iov = vector
                        unsafe message.msg_iovlen = 1
                        unsafe message.msg_control = control.baseAddress
                        unsafe message.msg_controllen = control.count
                        let count = unsafe recvmsg(descriptor, &message, 0)
                        // An error that waited here is one of an answer of ours, and is gone now.
                        if count < 0 { return errno != EAGAIN }
                        unsafe vector.pointee.iov_len = count
                        unsafe message.msg_flags = 0
                        _ = unsafe sendmsg(descriptor, &message, Int32(MSG_NOSIGNAL))
                        return true
                    }
                }
            }
        }
    }
}
