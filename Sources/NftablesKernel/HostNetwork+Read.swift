internal import CLinux
internal import CMnl
internal import Files
internal import Glibc
public import HostRules

extension HostNetwork {
    /// Reads that of the network namespace that the file stands for (`/run/netns/NAME`), or of the calling thread's own.
    ///
    /// Nothing holds it still meanwhile: what changes just then may be seen in one part and not in another.
    public static func read(namespace: String? = nil) throws(NetlinkError) -> Self {
        guard let namespace else { return try readHere() }
        return try NamespaceEntry.run(namespace) { () throws(NetlinkError) in try readHere() }
    }

    private static func readHere() throws(NetlinkError) -> Self {
        var reader = NetworkReader()
        try reader.readAll()
        let routesLoopback = isSet("ipv4/conf/all/route_localnet")
        let interfaces = reader.interfaces.map { interface in
            var interface = interface
            interface.forwards4 = isSet("ipv4/conf/\(interface.name)/forwarding")
            interface.forwards6 = isSet("ipv6/conf/\(interface.name)/forwarding")
            interface.routesLoopback = routesLoopback || isSet("ipv4/conf/\(interface.name)/route_localnet")
            return interface
        }
        return Self(
            interfaces: interfaces, routes: reader.routes, listeners: reader.listeners,
            forwards4: isSet("ipv4/ip_forward"), forwards6: isSet("ipv6/conf/all/forwarding"),
            legacyTables4: lines("ip_tables_names"), legacyTables6: lines("ip6_tables_names"))
    }

    /// One that is not there, for want of IPv6, is not set.
    private static func isSet(_ name: String) -> Bool {
        (try? File.read("/proc/sys/net/\(name)"))?.first.map { $0 != UInt8(ascii: "0") } ?? false
    }

    private static func lines(_ name: String) -> [String] {
        // `/proc/net` is that of the process's first thread.
        let bytes = (try? File.read("/proc/thread-self/net/\(name)")) ?? []
        return bytes.split(separator: UInt8(ascii: "\n")).map { String(decoding: $0, as: UTF8.self) }
    }
}

extension NetworkReader {
    fileprivate mutating func readAll() throws(NetlinkError) {
        var links = try KernelLine(NETLINK_ROUTE)
        try links.dump(UInt16(RTM_GETLINK), ifinfomsg(), "links", into: &self) {
            (reader: inout Self, message: RawSpan) throws(MalformedMessage) in try reader.readLink(message)
        }
        try links.dump(UInt16(RTM_GETADDR), ifaddrmsg(), "addresses", into: &self) {
            (reader: inout Self, message: RawSpan) throws(MalformedMessage) in try reader.readAddress(message)
        }
        try links.dump(UInt16(RTM_GETROUTE), rtmsg(), "routes", into: &self) {
            (reader: inout Self, message: RawSpan) throws(MalformedMessage) in try reader.readRoute(message)
        }
        var sockets = try KernelLine(NETLINK_SOCK_DIAG)
        for family in [AF_INET, AF_INET6] {
            for transport in [HostListener.Transport.tcp, .udp] {
                var request = inet_diag_req_v2()
                request.sdiag_family = UInt8(family)
                request.sdiag_protocol = transport.rawValue
                request.idiag_states = transport.listening
                try sockets.dump(UInt16(SOCK_DIAG_BY_FAMILY), request, "sockets", into: &self) {
                    (reader: inout Self, message: RawSpan) throws(MalformedMessage) in
                    try reader.readSocket(transport, message)
                }
            }
        }
    }
}

extension HostListener.Transport {
    /// `TCP_LISTEN` and `TCP_CLOSE` as bits: a socket of UDP that is not connected is in the latter.
    var listening: UInt32 {
        switch self {
        case .tcp: 1 << 10
        case .udp: 1 << 7
        }
    }
}
