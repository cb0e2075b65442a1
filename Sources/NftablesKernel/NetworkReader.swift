internal import CLinux
internal import CMnl
internal import Glibc
internal import HostRules

/// Puts together what rtnetlink and sock_diag say of a network namespace.
struct NetworkReader {
    private(set) var interfaces: [HostInterface] = []
    private(set) var routes: [HostRoute] = []
    private(set) var listeners: [HostListener] = []
    private(set) var connections: [HostConnection] = []

    /// A message of `RTM_GETLINK`.
    mutating func readLink(_ message: RawSpan) throws(MalformedMessage) {
        let header = try message.structure(ifinfomsg.self)
        var link = HostInterface(
            index: UInt32(bitPattern: header.ifi_index), name: "", isUp: header.ifi_flags & UInt32(IFF_UP) != 0)
        var attributes = AttributeCursor(message.dropping(MemoryLayout<ifinfomsg>.size))
        while let attribute = try attributes.next() {
            switch Int(attribute.type) {
            case Int(IFLA_IFNAME): link.name = attribute.payload.text()
            case Int(IFLA_MASTER): link.master = try attribute.payload.hostUInt32()
            case Int(IFLA_LINK): link.parent = try attribute.payload.hostUInt32()
            case Int(IFLA_LINK_NETNSID): link.parentIsElsewhere = true
            case Int(IFLA_LINKINFO):
                var parts = AttributeCursor(attribute.payload)
                while let part = try parts.next() {
                    if Int(part.type) == Int(IFLA_INFO_KIND) { link.kind = part.payload.text() }
                }
            default: break
            }
        }
        // A device names itself.
        if link.parent == link.index || link.parent == 0, !link.parentIsElsewhere { link.parent = nil }
        interfaces.append(link)
    }

    /// A message of `RTM_GETADDR`.
    mutating func readAddress(_ message: RawSpan) throws(MalformedMessage) {
        let header = try message.structure(ifaddrmsg.self)
        var address: [UInt8]?
        var local: [UInt8]?
        var attributes = AttributeCursor(message.dropping(MemoryLayout<ifaddrmsg>.size))
        while let attribute = try attributes.next() {
            switch Int(attribute.type) {
            case Int(IFA_ADDRESS): address = attribute.payload.array()
            // With a peer, the other is that one's.
            case Int(IFA_LOCAL): local = attribute.payload.array()
            default: break
            }
        }
        guard let bytes = local ?? address else { return }
        guard let width = Self.width(header.ifa_family) else { return }
        guard bytes.count == width else { throw MalformedMessage("the length of an address") }
        for index in interfaces.indices where interfaces[index].index == header.ifa_index {
            interfaces[index].addresses.append(.init(bytes: bytes, prefixLength: Int(header.ifa_prefixlen)))
        }
    }

    /// A message of `RTM_GETROUTE`.
    mutating func readRoute(_ message: RawSpan) throws(MalformedMessage) {
        let header = try message.structure(rtmsg.self)
        guard let width = Self.width(header.rtm_family), UInt32(header.rtm_flags) & UInt32(RTM_F_CLONED) == 0 else {
            return
        }
        var route = HostRoute(
            destination: [UInt8](repeating: 0, count: width), prefixLength: Int(header.rtm_dst_len),
            type: header.rtm_type,
            table: UInt32(header.rtm_table), interface: nil)
        var attributes = AttributeCursor(message.dropping(MemoryLayout<rtmsg>.size))
        while let attribute = try attributes.next() {
            switch attribute.type {
            case RTA_DST.rawValue: route.destination = attribute.payload.array()
            case RTA_OIF.rawValue: route.interface = try attribute.payload.hostUInt32()
            case RTA_PRIORITY.rawValue: route.metric = try attribute.payload.hostUInt32()
            case RTA_TABLE.rawValue: route.table = try attribute.payload.hostUInt32()
            default: break
            }
        }
        guard route.destination.count == width else { throw MalformedMessage("the length of a route's destination") }
        routes.append(route)
    }

    /// A message of `SOCK_DIAG_BY_FAMILY`.
    mutating func readSocket(_ transport: HostListener.Transport, _ message: RawSpan) throws(MalformedMessage) {
        let header = try message.structure(inet_diag_msg.self)
        guard let width = Self.width(header.idiag_family),
            let place = MemoryLayout<inet_diag_msg>.offset(of: \.id.idiag_src)
        else { return }
        var listener = HostListener(
            transport: transport, address: message.extracting(place..<place + width).array(),
            port: UInt16(bigEndian: header.id.idiag_sport),
            interface: header.id.idiag_if == 0 ? nil : header.id.idiag_if, inode: header.idiag_inode,
            user: header.idiag_uid)
        var attributes = AttributeCursor(message.dropping(MemoryLayout<inet_diag_msg>.size))
        while let attribute = try attributes.next() {
            switch Int(attribute.type) {
            case Int(INET_DIAG_SKV6ONLY): listener.isIPv6Only = try attribute.payload.byte(at: 0) != 0
            case Int(INET_DIAG_CGROUP_ID): listener.cgroup = try attribute.payload.hostUInt64()
            default: break
            }
        }
        // A socket of UDP that is not bound yet takes nothing.
        if listener.port != 0 { listeners.append(listener) }
    }

    /// A message of `SOCK_DIAG_BY_FAMILY` about a socket that has another side.
    mutating func readConnection(_ message: RawSpan) throws(MalformedMessage) {
        let header = try message.structure(inet_diag_msg.self)
        guard let width = Self.width(header.idiag_family),
            let source = MemoryLayout<inet_diag_msg>.offset(of: \.id.idiag_src),
            let destination = MemoryLayout<inet_diag_msg>.offset(of: \.id.idiag_dst)
        else { return }
        connections.append(
            HostConnection(
                local: .init(
                    address: message.extracting(source..<source + width).array(),
                    port: UInt16(bigEndian: header.id.idiag_sport)),
                remote: .init(
                    address: message.extracting(destination..<destination + width).array(),
                    port: UInt16(bigEndian: header.id.idiag_dport)),
                interface: header.id.idiag_if == 0 ? nil : header.id.idiag_if, inode: header.idiag_inode))
    }

    /// Of an address; `nil` of families that are neither.
    private static func width(_ family: UInt8) -> Int? {
        switch Int32(family) {
        case AF_INET: 4
        case AF_INET6: 16
        default: nil
        }
    }
}
