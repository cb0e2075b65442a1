public import Addressing
public import Nftables

/// A client's first packet as it comes in from outside: everything about it but who sent it.
public struct Approach: Hashable, Sendable {
    public var hook: BaseChain.Hook
    public var family: AddressFamily
    public var transport: TransportProtocol
    /// The host address that the client dialled; nil stands for one that no rule names.
    public var address: IPAddress?
    public var port: UInt16
    public var interface: String
    /// Where it is routed to; nil on its way to the machine itself.
    public var outputInterface: String?
    /// Whether Docker's DNAT has led it to a container.
    public var isPublished: Bool

    /// To a published port, on its way to a container.
    public static func forwarded(
        _ family: AddressFamily, _ transport: TransportProtocol, _ port: UInt16, on address: IPAddress? = nil,
        from interface: String, to bridge: String
    ) -> Self {
        Self(
            hook: .forward, family: family, transport: transport, address: address, port: port, interface: interface,
            outputInterface: bridge, isPublished: true)
    }

    /// To a container at its own address.
    public static func direct(
        _ family: AddressFamily, _ transport: TransportProtocol, _ port: UInt16, on address: IPAddress,
        from interface: String, to bridge: String
    ) -> Self {
        Self(
            hook: .forward, family: family, transport: transport, address: address, port: port, interface: interface,
            outputInterface: bridge, isPublished: false)
    }

    /// To a container that is on the wire itself, past every hook of the host's stack.
    public static func onTheWire(
        _ transport: TransportProtocol, _ port: UInt16, on address: IPAddress, parent: String
    ) -> Self {
        Self(
            hook: .ingress(device: parent), family: address.family, transport: transport, address: address, port: port,
            interface: parent, outputInterface: nil, isPublished: false)
    }

    /// To the machine itself: a process of its own, or docker-proxy.
    public static func delivered(
        _ family: AddressFamily, _ transport: TransportProtocol, _ port: UInt16, on address: IPAddress? = nil,
        from interface: String
    ) -> Self {
        Self(
            hook: .input, family: family, transport: transport, address: address, port: port, interface: interface,
            outputInterface: nil, isPublished: false)
    }
}

/// Who gets through by one approach.
public struct Reach<Bits: AddressBits>: Hashable, Sendable {
    public var allowed: IntervalSet<Bits>
    /// The chain that a verdict map led to: the services that cover the port.
    public var chain: String?
    /// Names of expressions on the way that are not understood: the answer is then not to be relied on.
    public var notUnderstood: Set<String>
}
