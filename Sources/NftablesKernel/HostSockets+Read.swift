internal import CLinux
internal import CMnl
internal import Files
internal import Glibc
public import HostRules

extension HostSockets {
    /// Reads those of the network namespace that the file stands for (`/run/netns/NAME`), or of the calling thread's own.
    public static func read(namespace: String? = nil) throws(NetlinkError) -> Self {
        guard let namespace else { return try readHere() }
        return try NamespaceEntry.run(namespace) { () throws(NetlinkError) in try readHere() }
    }

    private static func readHere() throws(NetlinkError) -> Self {
        var reader = NetworkReader()
        var line = try KernelLine(NETLINK_SOCK_DIAG)
        for family in [AF_INET, AF_INET6] {
            var request = inet_diag_req_v2()
            request.sdiag_family = UInt8(family)
            request.sdiag_protocol = HostListener.Transport.tcp.rawValue
            request.idiag_states = HostListener.Transport.tcp.listening
            try line.dump(UInt16(SOCK_DIAG_BY_FAMILY), request, "sockets", into: &reader) {
                (reader: inout NetworkReader, message: RawSpan) throws(MalformedMessage) in
                try reader.readSocket(.tcp, message)
            }
            // TCP_ESTABLISHED as a bit.
            request.idiag_states = 1 << 1
            try line.dump(UInt16(SOCK_DIAG_BY_FAMILY), request, "connections", into: &reader) {
                (reader: inout NetworkReader, message: RawSpan) throws(MalformedMessage) in
                try reader.readConnection(message)
            }
        }
        return Self(listeners: reader.listeners, connections: reader.connections, tracked: tracked)
    }

    /// Without the module there is no such file.
    private static var tracked: Int {
        let bytes = (try? File.read("/proc/sys/net/netfilter/nf_conntrack_count")) ?? []
        return Int(String(decoding: bytes, as: UTF8.self).filter(\.isNumber)) ?? 0
    }
}

extension HostConnection {
    /// The interface by which the kernel would send to the other side now, policy routing and all: as a rule the one that its
    /// packets come in by. Nil where no route leads there.
    public func interface(namespace: String? = nil) throws(NetlinkError) -> String? {
        guard let namespace else { return try interfaceHere() }
        return try NamespaceEntry.run(namespace) { () throws(NetlinkError) in try interfaceHere() }
    }

    private func interfaceHere() throws(NetlinkError) -> String? {
        var line = try KernelLine(NETLINK_ROUTE)
        var found = interface
        do throws(NetlinkError) {
            try line.ask(UInt16(RTM_GETROUTE), RouteQuestion(self), "the route to a client") {
                (message: RawSpan) throws(MalformedMessage) in
                var attributes = AttributeCursor(message.dropping(MemoryLayout<rtmsg>.size))
                while let attribute = try attributes.next() {
                    if attribute.type == RTA_OIF.rawValue { found = try attribute.payload.hostUInt32() }
                }
            }
        } catch {
            guard [ENETUNREACH, EHOSTUNREACH, EINVAL, EACCES].contains(error.code) else { throw error }
            return nil
        }
        guard let index = found else { return nil }
        var reader = NetworkReader()
        try line.dump(UInt16(RTM_GETLINK), ifinfomsg(), "links", into: &reader) {
            (reader: inout NetworkReader, message: RawSpan) throws(MalformedMessage) in try reader.readLink(message)
        }
        return reader.interfaces.first { $0.index == index }?.name
    }
}

/// Asks for the route that packets of the connection take.
private struct RouteQuestion: MessagePayload {
    let source: [UInt8]
    let destination: [UInt8]
    let interface: UInt32?

    init(_ connection: HostConnection) {
        source = connection.local.unmapped
        destination = connection.remote.unmapped
        interface = connection.interface
    }

    func write(behind header: MessageHeader) {
        var question = rtmsg()
        question.rtm_family = UInt8(destination.count == 4 ? AF_INET : AF_INET6)
        question.rtm_dst_len = UInt8(destination.count * 8)
        question.rtm_src_len = UInt8(source.count * 8)
        header.put(question)
        header.put(RTA_DST.rawValue, destination)
        header.put(RTA_SRC.rawValue, source)
        if let interface { header.put(RTA_OIF.rawValue, machineOrder: interface) }
    }
}

extension HostConnection.End {
    fileprivate var unmapped: [UInt8] {
        address.count == 16 && address.prefix(12) == [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff]
            ? Array(address.suffix(4)) : address
    }
}
