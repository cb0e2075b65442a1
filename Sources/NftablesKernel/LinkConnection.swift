public import Addressing
internal import CLinux
internal import CMnl
internal import CNftnl
internal import Glibc
internal import Nftables

/// A line to the links, addresses, routes and neighbours of one network namespace, to set them up.
///
/// Interfaces are known by number, which the caller chooses: so nothing has to be read back.
public struct LinkConnection: ~Copyable, Sendable {
    private var socket: NetlinkSocket
    private var lastSequence: UInt32 = 0

    /// Opens it in the network namespace that the file stands for. It must be one of our own making: this changes it.
    public init(namespace: String) throws(NetlinkError) {
        try ForeignNamespace.demand(namespace, to: "set up", "links")
        let descriptor = try NamespaceEntry.run(namespace) { () throws(NetlinkError) in
            try NetlinkSocket.open(NETLINK_ROUTE)
        }
        socket = try NetlinkSocket(descriptor: descriptor)
    }

    /// One end of a pair, or a link that has no other end.
    public struct End: Hashable, Sendable {
        public var name: String
        public var number: UInt32
        /// Six bytes.
        public var hardwareAddress: [UInt8]

        public init(name: String, number: UInt32, hardwareAddress: [UInt8]) {
            self.name = name
            self.number = number
            self.hardwareAddress = hardwareAddress
        }
    }

    /// Makes two ends of one wire, the other in the network namespace that the open file stands for.
    public mutating func addPair(_ end: End, _ other: End, inNamespace descriptor: Int32) throws(NetlinkError) {
        try add(end, kind: "veth") { header in
            header.nest(UInt32(IFLA_INFO_DATA)) {
                header.nest(UInt32(VETH_INFO_PEER)) {
                    var link = ifinfomsg()
                    link.ifi_index = Int32(bitPattern: other.number)
                    header.put(link)
                    other.write(to: header)
                    header.put(UInt32(IFLA_NET_NS_FD), machineOrder: UInt32(bitPattern: descriptor))
                }
            }
        }
    }

    public mutating func addBridge(_ bridge: End) throws(NetlinkError) { try add(bridge, kind: "bridge") { _ in } }

    /// Makes an interface, in the network namespace that the open file stands for, that shares the wire of one that is here (macvlan).
    public mutating func addSharing(
        _ end: End, wireOf parent: UInt32, inNamespace descriptor: Int32
    ) throws(NetlinkError) {
        try add(end, kind: "macvlan", elsewhere: (parent, descriptor)) { header in
            header.nest(UInt32(IFLA_INFO_DATA)) {
                header.put(UInt32(IFLA_MACVLAN_MODE), machineOrder: MACVLAN_MODE_BRIDGE.rawValue)
            }
        }
    }

    private mutating func add(
        _ end: End, kind: String, elsewhere: (parent: UInt32, descriptor: Int32)? = nil,
        _ more: @escaping (MessageHeader) -> Void
    ) throws(NetlinkError) {
        var link = ifinfomsg()
        link.ifi_index = Int32(bitPattern: end.number)
        try change(RTM_NEWLINK, Self.fresh, link, "add \(kind)", end.name) { header in
            end.write(to: header)
            if let elsewhere {
                header.put(UInt32(IFLA_LINK), machineOrder: elsewhere.parent)
                header.put(UInt32(IFLA_NET_NS_FD), machineOrder: UInt32(bitPattern: elsewhere.descriptor))
            }
            header.nest(UInt32(IFLA_LINKINFO)) {
                header.put(UInt32(IFLA_INFO_KIND), kind)
                more(header)
            }
        }
    }

    /// Makes it a port of the bridge.
    public mutating func enslave(_ number: UInt32, to bridge: UInt32) throws(NetlinkError) {
        var link = ifinfomsg()
        link.ifi_index = Int32(bitPattern: number)
        try change(RTM_NEWLINK, 0, link, "enslave", "interface \(number)") { header in
            header.put(UInt32(IFLA_MASTER), machineOrder: bridge)
        }
    }

    public mutating func bringUp(_ number: UInt32) throws(NetlinkError) {
        var link = ifinfomsg()
        link.ifi_index = Int32(bitPattern: number)
        link.ifi_flags = UInt32(IFF_UP)
        link.ifi_change = UInt32(IFF_UP)
        try change(RTM_NEWLINK, 0, link, "bring up", "interface \(number)") { _ in }
    }

    /// An address that can be used at once, without asking whether anybody else has it.
    public mutating func add(
        _ address: IPAddress, prefixLength: Int, to number: UInt32
    ) throws(NetlinkError) {
        var message = ifaddrmsg()
        message.ifa_family = address.family.kernelNumber
        message.ifa_prefixlen = UInt8(prefixLength)
        message.ifa_index = number
        message.ifa_flags = UInt8(IFA_F_NODAD)
        try change(RTM_NEWADDR, Self.fresh, message, "add address", "\(address)/\(prefixLength)") { header in
            header.put(UInt32(IFA_LOCAL), address.networkOrder)
            header.put(UInt32(IFA_ADDRESS), address.networkOrder)
        }
    }

    /// Who is behind a hardware address, for ever.
    public mutating func addNeighbour(
        _ address: IPAddress, at hardwareAddress: [UInt8], on number: UInt32
    ) throws(NetlinkError) {
        var message = ndmsg()
        message.ndm_family = address.family.kernelNumber
        message.ndm_ifindex = Int32(bitPattern: number)
        message.ndm_state = UInt16(NUD_PERMANENT)
        try change(RTM_NEWNEIGH, Self.instead, message, "add neighbour", "\(address)") { header in
            header.put(UInt32(NDA_DST), address.networkOrder)
            header.put(UInt32(NDA_LLADDR), hardwareAddress)
        }
    }

    /// The way to everywhere else, in place of the one before. The gateway need not be in any network of the interface.
    public mutating func setDefaultRoute(via gateway: IPAddress, on number: UInt32) throws(NetlinkError) {
        var message = rtmsg()
        message.rtm_family = gateway.family.kernelNumber
        message.rtm_table = UInt8(RT_TABLE_MAIN.rawValue)
        message.rtm_protocol = UInt8(RTPROT_STATIC)
        message.rtm_scope = UInt8(RT_SCOPE_UNIVERSE.rawValue)
        message.rtm_type = UInt8(RTN_UNICAST)
        message.rtm_flags = UInt32(RTNH_F_ONLINK)
        try change(RTM_NEWROUTE, Self.instead, message, "set default route", "via \(gateway)") { header in
            header.put(RTA_GATEWAY.rawValue, gateway.networkOrder)
            header.put(RTA_OIF.rawValue, machineOrder: number)
            // IPv6 holds several of one destination, and replaces the one of the same metric.
            header.put(RTA_PRIORITY.rawValue, machineOrder: 1)
        }
    }

    private static let fresh = Int32(NLM_F_CREATE | NLM_F_EXCL)
    private static let instead = Int32(NLM_F_CREATE | NLM_F_REPLACE)

    private mutating func change<Header: BitwiseCopyable>(
        _ type: Int, _ flags: Int32, _ header: Header, _ operation: String, _ object: String,
        _ attributes: @escaping (MessageHeader) -> Void
    ) throws(NetlinkError) {
        lastSequence &+= 1
        var messages = MessageBuffer()
        try messages.append(
            .request(UInt16(type), flags: flags | Int32(NLM_F_ACK)), sequence: lastSequence,
            SetupPayload(header: header, attributes: attributes))
        do throws(NetlinkError) {
            _ = try socket.exchange(messages, sequence: lastSequence, object: object) { _, _ in }
        } catch {
            throw NetlinkError(operation: operation, object: object, code: error.code, detail: error.detail)
        }
    }
}

private struct SetupPayload<Header: BitwiseCopyable>: MessagePayload {
    let header: Header
    let attributes: (MessageHeader) -> Void

    func write(behind header: MessageHeader) {
        header.put(self.header)
        attributes(header)
    }
}

extension LinkConnection.End {
    fileprivate func write(to header: MessageHeader) {
        header.put(UInt32(IFLA_IFNAME), name)
        header.put(UInt32(IFLA_ADDRESS), hardwareAddress)
    }
}

extension AddressFamily {
    fileprivate var kernelNumber: UInt8 {
        switch self {
        case .ipv4: UInt8(AF_INET)
        case .ipv6: UInt8(AF_INET6)
        }
    }
}

extension IPAddress {
    fileprivate var networkOrder: [UInt8] {
        switch self {
        case .v4(let address): address.bits.networkOrder
        case .v6(let address): address.bits.networkOrder
        }
    }
}
