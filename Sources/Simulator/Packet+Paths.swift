public import Addressing
public import Nftables

/// One side of a connection.
public struct Endpoint: Hashable, Sendable {
    public var address: IPAddress
    public var port: UInt16

    public init(_ address: IPAddress, _ port: UInt16) {
        self.address = address
        self.port = port
    }
}

/// The ways that packets take through a Docker host.
extension Packet {
    /// A client's first packet to a published port, once Docker's DNAT has turned it to the container.
    public static func published(
        _ transport: TransportProtocol, from client: Endpoint, to dialled: Endpoint, container: Endpoint,
        iifname: String, oifname: String
    ) -> Self {
        first(transport, .forward, iifname, oifname, from: client, dialled: dialled, reaches: container, status: .dnat)
    }

    /// A client's first packet to the host itself, be it to docker-proxy or to a service of the host.
    public static func toHost(
        _ transport: TransportProtocol, from client: Endpoint, to dialled: Endpoint, iifname: String
    ) -> Self {
        first(transport, .input, iifname, nil, from: client, dialled: dialled, reaches: dialled, status: [])
    }

    /// A first packet that is forwarded untouched: by a direct route to a container, out of a container to the world, or
    /// from one container to another.
    public static func routed(
        _ transport: TransportProtocol, from source: Endpoint, to destination: Endpoint, iifname: String,
        oifname: String
    ) -> Self {
        first(
            transport, .forward, iifname, oifname, from: source, dialled: destination, reaches: destination, status: [])
    }

    /// A first packet for a container that is on the wire itself (macvlan, ipvlan), as the interface that it shares sees it:
    /// conntrack has not.
    public static func onTheWire(
        _ transport: TransportProtocol, from client: Endpoint, to container: Endpoint, parent: String
    ) -> Self {
        Self(
            hook: .ingress(device: parent), iifname: parent, oifname: nil, source: client.address,
            destination: container.address,
            transport: TransportHeader(transport, source: client.port, destination: container.port, flags: .syn),
            conntrack: .untracked)
    }

    /// A first packet that the host itself sends.
    public static func fromHost(
        _ transport: TransportProtocol, from source: Endpoint, to destination: Endpoint, oifname: String
    ) -> Self {
        first(transport, .output, nil, oifname, from: source, dialled: destination, reaches: destination, status: [])
    }

    private static func first(
        _ transport: TransportProtocol, _ hook: BaseChain.Hook, _ iifname: String?, _ oifname: String?,
        from client: Endpoint, dialled: Endpoint, reaches: Endpoint, status: ConntrackFlags.Status
    ) -> Self {
        Self(
            hook: hook, iifname: iifname, oifname: oifname, source: client.address, destination: reaches.address,
            transport: TransportHeader(transport, source: client.port, destination: reaches.port, flags: .syn),
            conntrack: .entry(
                ConntrackEntry(
                    state: .new, direction: .original, status: status, source: client.address,
                    destination: dialled.address, serviceDestination: dialled.port)))
    }

    /// One client's packet of an approach. Where it is translated to is known to no rule of ours, so that it keeps what was dialled.
    public init(_ approach: Approach, from source: IPAddress) {
        let unnamed: IPAddress = approach.family == .ipv4 ? .v4(IPv4Address(1)) : .v6(IPv6Address(2))
        let client = Endpoint(source, SourceMachine<UInt32>.clientPort)
        let dialled = Endpoint(approach.address ?? unnamed, approach.port)
        switch approach.hook {
        case .ingress(let device):
            self = .onTheWire(approach.transport, from: client, to: dialled, parent: device)
        case .prerouting, .input, .forward, .output, .postrouting:
            self = .first(
                approach.transport, approach.hook, approach.interface, approach.outputInterface, from: client,
                dialled: dialled, reaches: dialled, status: approach.isPublished ? .dnat : [])
        }
    }

    /// What the other side sends back. A reply to what came in by `input` leaves by `output`, and the other way round.
    public var reply: Self {
        var reply = self
        switch hook {
        case .input: reply.hook = .output
        case .output: reply.hook = .input
        case .forward, .prerouting, .postrouting, .ingress: break
        }
        (reply.source, reply.destination) = (destination, source)
        (reply.iifname, reply.oifname) = (oifname, iifname)
        reply.transport = transport.reversed(flags: [.syn, .ack])
        if case .entry(var entry) = conntrack {
            entry.state = .established
            entry.direction = entry.direction == .original ? .reply : .original
            reply.conntrack = .entry(entry)
        }
        return reply
    }

    /// A later packet the same way, of a connection that conntrack has seen both sides of.
    public var midStream: Self {
        var later = self
        later.transport = transport.with(flags: .ack)
        if case .entry(var entry) = conntrack {
            entry.state = .established
            later.conntrack = .entry(entry)
        }
        return later
    }

    /// The same packet when conntrack has forgotten the connection, or never saw its start: it takes the packet for the first
    /// of a new one (`nf_conntrack_tcp_loose`), with whoever sent it as the client and no NAT.
    public var pickedUp: Self {
        var orphan = self
        orphan.transport = transport.with(flags: .ack)
        orphan.conntrack = .entry(
            ConntrackEntry(
                state: .new, direction: .original, status: [], source: source, destination: destination,
                serviceDestination: transport.serviceDestination))
        return orphan
    }
}

extension TransportHeader {
    public init(_ transport: TransportProtocol, source: UInt16, destination: UInt16, flags: TCPFlags) {
        switch transport {
        case .tcp: self = .tcp(source: source, destination: destination, flags: flags)
        case .udp: self = .udp(source: source, destination: destination)
        case .sctp: self = .sctp(source: source, destination: destination)
        }
    }

    fileprivate func reversed(flags: TCPFlags) -> Self {
        switch self {
        case .tcp(let source, let destination, _): .tcp(source: destination, destination: source, flags: flags)
        case .udp(let source, let destination): .udp(source: destination, destination: source)
        case .sctp(let source, let destination): .sctp(source: destination, destination: source)
        case .icmp(8, let code): .icmp(type: 0, code: code)
        case .icmpv6(128, let code): .icmpv6(type: 129, code: code)
        case .icmp, .icmpv6, .other, .fragment: self
        }
    }

    fileprivate func with(flags: TCPFlags) -> Self {
        switch self {
        case .tcp(let source, let destination, _): .tcp(source: source, destination: destination, flags: flags)
        case .udp, .sctp, .icmp, .icmpv6, .other, .fragment: self
        }
    }

    /// What conntrack takes for the tuple's `dst.u.all`.
    var serviceDestination: UInt16 {
        switch self {
        case .tcp(_, let destination, _), .udp(_, let destination), .sctp(_, let destination): destination
        case .icmp(let type, let code), .icmpv6(let type, let code): UInt16(type) << 8 | UInt16(code)
        case .other, .fragment: 0
        }
    }
}
