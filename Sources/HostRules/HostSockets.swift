/// The TCP sockets of a network namespace: those that wait for clients, and those that have one.
public struct HostSockets: Hashable, Sendable {
    public var listeners: [HostListener]
    public var connections: [HostConnection]
    /// How many connections conntrack follows. With none, it has not been asked to follow any.
    public var tracked: Int

    public init(listeners: [HostListener] = [], connections: [HostConnection] = [], tracked: Int = 0) {
        self.listeners = listeners
        self.connections = connections
        self.tracked = tracked
    }
}

/// An established connection of TCP that ends in a socket of the host, whichever side has opened it.
public struct HostConnection: Hashable, Sendable {
    public struct End: Hashable, Sendable {
        /// Of 4 or 16 bytes: a socket of IPv6 writes its peers of IPv4 as `::ffff:0:0/96`.
        public var address: [UInt8]
        public var port: UInt16

        public init(address: [UInt8], port: UInt16) {
            self.address = address
            self.port = port
        }
    }

    public var local: End
    public var remote: End
    /// The interface that it is bound to, as it is between link-local addresses.
    public var interface: UInt32?
    public var inode: UInt32

    public init(local: End, remote: End, interface: UInt32? = nil, inode: UInt32 = 0) {
        self.local = local
        self.remote = remote
        self.interface = interface
        self.inode = inode
    }
}
