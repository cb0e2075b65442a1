internal import CLinux
internal import Glibc

/// Sends and hears whole frames on every interface of the network namespace in which it was opened.
final class PacketSocket {
    let descriptor: Int32
    private var buffer = [UInt8](repeating: 0, count: 2048)

    /// Opens it in the calling thread's network namespace.
    init() throws(StageError) {
        let all = UInt16(ETH_P_ALL).bigEndian
        let type = Int32(SOCK_RAW.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
        descriptor = socket(AF_PACKET, type, Int32(all))
        guard descriptor >= 0 else { throw .failed("open", "packet socket") }
        // The forced size asks for a right that not everybody has; the other is cut to the system's limit.
        if !set(SOL_SOCKET, SO_RCVBUFFORCE, Self.room) { _ = set(SOL_SOCKET, SO_RCVBUF, Self.room) }
    }

    deinit { _ = close(descriptor) }

    private static let room: Int32 = 8 << 20

    private func set(_ level: Int32, _ option: Int32, _ value: Int32) -> Bool {
        var value = value
        // The pointer goes with the size of what it points to.
        return unsafe setsockopt(descriptor, level, option, &value, socklen_t(MemoryLayout<Int32>.size)) == 0
    }

    func send(_ frame: [UInt8], on interface: UInt32) throws(StageError) {
        var address = sockaddr_ll()
        address.sll_family = UInt16(AF_PACKET)
        address.sll_ifindex = Int32(bitPattern: interface)
        address.sll_halen = 6
        while true {
            // Both pointers go with the size of what they point to, and live as long as the call.
            let sent = unsafe withUnsafePointer(to: address) { address in
                unsafe address.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    unsafe sendto(descriptor, frame, frame.count, 0, $0, socklen_t(MemoryLayout<sockaddr_ll>.size))
                }
            }
            if sent == frame.count { return }
            guard sent < 0, errno == EINTR || errno == ENOBUFS || errno == EAGAIN else {
                throw .failed("send a frame on", "interface \(interface)")
            }
            if errno != EINTR { sched_yield() }
        }
    }

    /// The next frame that is for the interface at which it arrived, with that interface's number.
    func receive() throws(StageError) -> (frame: ArraySlice<UInt8>, interface: UInt32)? {
        while true {
            var address = sockaddr_ll()
            var length = socklen_t(MemoryLayout<sockaddr_ll>.size)
            // As above; and no more of the frame is written than there is room for.
            let count = unsafe buffer.withUnsafeMutableBytes { buffer in
                unsafe withUnsafeMutablePointer(to: &address) { address in
                    unsafe address.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                        unsafe recvfrom(descriptor, buffer.baseAddress, buffer.count, 0, $0, &length)
                    }
                }
            }
            if count < 0 {
                switch errno {
                case EINTR: continue
                case EAGAIN: return nil
                // The news that an interface went down.
                case ENETDOWN: continue
                case _: throw .failed("receive from", "packet socket")
                }
            }
            guard Int32(address.sll_pkttype) == PACKET_HOST else { continue }
            return (buffer[..<count], UInt32(bitPattern: address.sll_ifindex))
        }
    }
}
