internal import Addressing
internal import Glibc
internal import Nftables

/// Raw sockets of the host: what they send passes its output hook, and what they hear has passed its input hook.
///
/// They are open only while something is sent by them: where there is one, a kernel does not refuse a protocol that it does not speak.
final class HostSockets {
    private let sending4: Int32
    private let sending6: Int32
    private(set) var hearing: [pollfd] = []
    private var kinds: [(l4proto: L4Protocol, family: AddressFamily)] = []
    private var buffer = [UInt8](repeating: 0, count: 2048)

    /// Opens them in the calling thread's network namespace.
    init() throws(StageError) {
        sending4 = try Self.open(AF_INET, Int32(IPPROTO_RAW))
        // A kernel without IPv6 has nobody to send to either.
        sending6 = (try? Self.open(AF_INET6, Int32(IPPROTO_RAW))) ?? -1
        for family in AddressFamily.allCases where family == .ipv4 || sending6 >= 0 {
            let icmp: L4Protocol = family == .ipv4 ? .icmp : .icmpv6
            for l4proto in [L4Protocol.tcp, .udp, .sctp, icmp] {
                let descriptor = try Self.open(family == .ipv4 ? AF_INET : AF_INET6, Int32(l4proto.rawValue))
                hearing.append(pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0))
                kinds.append((l4proto, family))
            }
        }
    }

    deinit {
        _ = close(sending4)
        if sending6 >= 0 { _ = close(sending6) }
        for entry in hearing { _ = close(entry.fd) }
    }

    private static func open(_ family: Int32, _ l4proto: Int32) throws(StageError) -> Int32 {
        let flags = Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
        let descriptor = socket(family, Int32(SOCK_RAW.rawValue) | flags, l4proto)
        guard descriptor >= 0 else { throw .failed("open", "raw socket of protocol \(l4proto)") }
        return descriptor
    }

    /// A whole packet. One that a rule drops on its way out, or that has no way, is as silent as any other.
    func send(_ packet: [UInt8], to destination: IPAddress) throws(StageError) {
        let sent: Int
        // All pointers go with the size of what they point to, and live as long as the calls.
        switch destination {
        case .v4(let destination):
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_addr.s_addr = destination.bits.bigEndian
            sent = unsafe withUnsafePointer(to: address) { address in
                unsafe address.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    unsafe sendto(
                        sending4, packet, packet.count, 0, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
                }
            }
        case .v6(let destination):
            var address = sockaddr_in6()
            address.sin6_family = sa_family_t(AF_INET6)
            unsafe withUnsafeMutableBytes(of: &address.sin6_addr) {
                unsafe $0.copyBytes(from: destination.bits.networkOrder)
            }
            sent = unsafe withUnsafePointer(to: address) { address in
                unsafe address.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    unsafe sendto(
                        sending6, packet, packet.count, 0, $0, socklen_t(MemoryLayout<sockaddr_in6>.size))
                }
            }
        }
        guard sent < 0 else { return }
        switch errno {
        case EPERM, EACCES, EHOSTUNREACH, ENETUNREACH, ENOBUFS, EAGAIN, EINTR, EINVAL: return
        case _: throw .failed("send from the host to", "\(destination)")
        }
    }

    enum Reception {
        case arrival(Arrival)
        /// None of the packets that we know.
        case other
        case nothing
    }

    func receive() -> Reception {
        for index in hearing.indices {
            let kind = kinds[index]
            var peer = sockaddr_in6()
            var length = socklen_t(MemoryLayout<sockaddr_in6>.size)
            // As above; an address of IPv4 is shorter. No more of the packet is written than there is room for.
            let count = unsafe buffer.withUnsafeMutableBytes { buffer in
                unsafe withUnsafeMutablePointer(to: &peer) { peer in
                    unsafe peer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                        unsafe recvfrom(hearing[index].fd, buffer.baseAddress, buffer.count, 0, $0, &length)
                    }
                }
            }
            guard count >= 0 else { continue }
            switch kind.family {
            case .ipv4: return Arrival(packet4: buffer[..<count]).map { .arrival($0) } ?? .other
            case .ipv6:
                let bytes = unsafe withUnsafeBytes(of: peer.sin6_addr) { unsafe Array($0) }
                guard let bits = UInt128(networkOrder: bytes) else { continue }
                let source = IPAddress.v6(IPv6Address(bits))
                let arrival = Arrival(content6: buffer[..<count], kind.l4proto, from: source)
                return arrival.map { .arrival($0) } ?? .other
            }
        }
        return .nothing
    }
}
