public import Addressing

/// A connection that is open already, as conntrack or a socket tells of it.
public struct Flow: Hashable, Sendable {
    public var transport: TransportProtocol
    public var client: Endpoint
    /// What the client dialled, before any NAT.
    public var dialled: Endpoint
    /// Who answers: behind DNAT another one than was dialled.
    public var server: Endpoint
    /// Whether conntrack has translated the destination (`IPS_DST_NAT`).
    public var isTranslated: Bool
    /// Where the client's packets come in by.
    public var iifname: String
    /// Where they are forwarded to; nil where the machine itself takes them.
    public var oifname: String?

    public init(
        transport: TransportProtocol, client: Endpoint, dialled: Endpoint, server: Endpoint, isTranslated: Bool,
        iifname: String, oifname: String?
    ) {
        self.transport = transport
        self.client = client
        self.dialled = dialled
        self.server = server
        self.isTranslated = isTranslated
        self.iifname = iifname
        self.oifname = oifname
    }

    /// The client's next packet. It is judged as the first was, so that its fate is the connection's.
    public var nextPacket: Packet {
        let first: Packet =
            if let oifname {
                isTranslated
                    ? .published(
                        transport, from: client, to: dialled, container: server, iifname: iifname, oifname: oifname)
                    : .routed(transport, from: client, to: dialled, iifname: iifname, oifname: oifname)
            } else {
                .toHost(transport, from: client, to: dialled, iifname: iifname)
            }
        return first.midStream
    }
}
