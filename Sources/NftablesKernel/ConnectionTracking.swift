internal import CLinux
internal import CMnl
internal import CNftnl
internal import Glibc

/// A line to the connection tracking of one network namespace.
public struct ConnectionTracking: ~Copyable, Sendable {
    private var socket: NetlinkSocket
    private var lastSequence: UInt32 = 0

    /// Opens it in the network namespace that the file stands for. It must be one of our own making.
    public init(namespace: String) throws(NetlinkError) {
        try ForeignNamespace.demand(namespace, to: "forget", "connections")
        socket = try NetlinkSocket(namespace: namespace)
    }

    /// Forgets every connection.
    public mutating func forgetAll() throws(NetlinkError) {
        lastSequence &+= 1
        // Without attributes the kernel deletes all (nf_conntrack_netlink.c, ctnetlink_del_conntrack).
        let type = UInt16(NFNL_SUBSYS_CTNETLINK) << 8 | UInt16(IPCTNL_MSG_CT_DELETE.rawValue)
        var messages = MessageBuffer()
        try messages.append(
            .request(type, flags: Int32(NLM_F_ACK)), sequence: lastSequence, StructurePayload(structure: nfgenmsg()))
        _ = try socket.exchange(messages, sequence: lastSequence, object: "connections") { _, _ in }
    }
}
