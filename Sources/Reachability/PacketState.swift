internal import Addressing

/// What rules have made of the packet so far: apart from its source, all in which two packets of one approach may differ.
struct PacketState: Hashable {
    enum Tracking: Hashable {
        /// Conntrack comes later.
        case notYet
        case tracked
        case untracked
    }

    var tracking: Tracking = .notYet
    /// Where it goes now, in network order; nil where NAT took an address or a port from what is not known.
    ///
    /// Not an `IPAddress`: swiftc 6.3 misaligns a struct with a `UInt128` in it on the stacks of generic code.
    private var addressBytes: [UInt8]?
    var port: UInt16?
    var isNATed = false
    /// To this machine, by whichever address the interface has.
    var isRedirected = false

    init(_ approach: Approach) {
        addressBytes = approach.address.networkOrder
        port = approach.port
    }

    var address: IPAddress? {
        get {
            addressBytes.flatMap { IPAddress(networkOrder: $0, family: $0.count == 4 ? .ipv4 : .ipv6) }
        }
        set { addressBytes = newValue?.networkOrder }
    }
}

/// Where on its way the packet is.
struct Place: Hashable {
    var hook: Hook
    var input: String
    /// Empty before the routing has decided, nil where it is not known.
    var output: String?

    enum Hook: Hashable {
        case ingress
        case prerouting
        case input
        case forward
        case postrouting
    }
}

/// What a packet's fields hold, for the register machine and for xtables' matches.
struct PacketView<Bits: AddressBits> {
    let approach: Approach
    let topology: Topology
    let listeners: [Listener]
    let place: Place
    let state: PacketState
    let marksAreSet: Bool

    private var family: AddressFamily { Bits.family }

    static func source() -> [Symbol] { (0..<Bits.bitWidth / 8).map { .source($0, mask: 0xff) } }

    private func unknown(_ count: Int) -> [Symbol] { Array(repeating: .unknown, count: count) }

    var destination: [Symbol] { state.address.map { .init($0.networkOrder) } ?? unknown(Bits.bitWidth / 8) }
    var destinationPort: [Symbol] { state.port.map { .init($0.networkOrder) } ?? unknown(2) }
    var clientPort: [Symbol] { [.clientPort(0), .clientPort(1)] }

    func meta(_ key: UInt32) -> [Symbol] {
        switch MetaKey(rawValue: key) {
        case .protocol: .init((family == .ipv4 ? EtherType.ipv4 : EtherType.ipv6).networkOrder)
        case .mark: mark
        case .iif: index(of: place.input)
        case .oif: place.output.map { $0.isEmpty ? .init(UInt32(0).hostOrder) : index(of: $0) } ?? unknown(4)
        case .iifname: name(place.input)
        case .oifname: place.output.map(name) ?? unknown(16)
        case .nfproto: [.byte(family == .ipv4 ? 2 : 10)]
        case .l4proto: [.byte(approach.transport.rawValue)]
        // Seen from the wire, a frame for a macvlan's address is another host's.
        case .pkttype: place.hook == .ingress ? unknown(1) : [.byte(0)]
        case .oifgroup, nil: unknown(16)
        }
    }

    private var mark: [Symbol] { marksAreSet ? unknown(4) : .init(UInt32(0).hostOrder) }

    private func name(_ text: String) -> [Symbol] {
        let bytes = Array(text.utf8.prefix(15))
        return .init(bytes + Array(repeating: 0, count: 16 - bytes.count))
    }

    private func index(of interface: String) -> [Symbol] {
        guard let index = topology.link(interface)?.index, index != 0 else { return unknown(4) }
        return .init(index.hostOrder)
    }

    /// Nil where the kernel finds nothing to load, which ends the rule.
    func conntrack(_ key: UInt32, direction: UInt8?) -> [Symbol]? {
        let key = ConntrackKey(rawValue: key)
        if key == .state { return .init(stateBits.hostOrder) }
        guard state.tracking == .tracked else { return nil }
        let isReply = direction == 1
        return switch key {
        case .state: .init(stateBits.hostOrder)
        case .direction: [.byte(0)]
        case .status: status
        case .mark: mark
        case .l3protocol: [.byte(family == .ipv4 ? 2 : 10)]
        case .protocol: [.byte(approach.transport.rawValue)]
        case .src: isReply ? destination : Self.source()
        case .dst: isReply ? Self.source() : .init(approach.address.networkOrder)
        case .srcIP: family == .ipv4 ? (isReply ? destination : Self.source()) : nil
        case .srcIP6: family == .ipv6 ? (isReply ? destination : Self.source()) : nil
        case .dstIP: family == .ipv4 ? (isReply ? Self.source() : .init(approach.address.networkOrder)) : nil
        case .dstIP6: family == .ipv6 ? (isReply ? Self.source() : .init(approach.address.networkOrder)) : nil
        case .protoSrc: isReply ? destinationPort : clientPort
        case .protoDst: isReply ? clientPort : .init(approach.port.networkOrder)
        case nil: unknown(16)
        }
    }

    var stateBits: UInt32 {
        switch state.tracking {
        case .notYet: ConntrackState.invalid
        case .tracked: ConntrackState.new
        case .untracked: ConntrackState.untracked
        }
    }

    private var status: [Symbol] {
        let value = (state.isNATed ? ConntrackStatus.dstNAT : 0).hostOrder
        return zip(value, (~ConntrackStatus.done).hostOrder).map { .bits($0, known: $1) }
    }

    func payload(base: UInt32, offset: Int, length: Int) -> [Symbol] {
        let header: [Symbol] =
            switch PayloadBase(rawValue: base) {
            case .link: unknown(12) + .init((family == .ipv4 ? EtherType.ipv4 : EtherType.ipv6).networkOrder)
            case .network: family == .ipv4 ? ipv4Header : ipv6Header
            case .transport: transportHeader
            case nil: []
            }
        return (offset..<offset + length).map { $0 >= 0 && $0 < header.count ? header[$0] : .unknown }
    }

    private var ipv4Header: [Symbol] {
        // No options, and not a later fragment: such a one opens nothing.
        [.byte(0x45)] + unknown(5) + [.bits(0, known: 0xbf), .byte(0)] + unknown(1)
            + [.byte(approach.transport.rawValue)] + unknown(2) + Self.source() + destination
    }

    private var ipv6Header: [Symbol] {
        [.bits(0x60, known: 0xf0)] + unknown(5) + [.byte(approach.transport.rawValue)] + unknown(1) + Self.source()
            + destination
    }

    private var transportHeader: [Symbol] {
        switch approach.transport {
        // A SYN; the bits of ECN may be there.
        case .tcp: clientPort + destinationPort + unknown(9) + [.bits(0x02, known: 0x3f)] + unknown(6)
        case .udp, .sctp: clientPort + destinationPort + unknown(4)
        }
    }

    /// Nil where the kernel finds nothing to load, which ends the rule.
    func controlGroup(_ level: Int) -> [Symbol]? {
        guard place.hook == .input, let address = state.address, let port = state.port else { return unknown(8) }
        return switch listeners.group(approach.transport, address, port, by: approach.interface, level: level) {
        case .group(let number): .init(number.hostOrder)
        case .none: nil
        case .unknown: unknown(8)
        }
    }

    func fib(result: UInt32, flags: UInt32) -> [Symbol] {
        guard result == FIB.addressType, flags & FIB.destination != 0, let type = destinationType(flags) else {
            return unknown(16)
        }
        return .init(type.hostOrder)
    }

    /// `RTN_*` of where it goes, nil where it is not known.
    func destinationType(_ flags: UInt32 = 0) -> UInt32? {
        guard let address = state.address else { return nil }
        if address.isForMany { return address == .v4(IPv4Address(.max)) ? RouteType.broadcast : RouteType.multicast }
        let isBound = flags & (FIB.inputInterface | FIB.outputInterface) != 0
        if address.isLoopback { return isBound ? nil : RouteType.local }
        let isLocal =
            isBound
            ? topology.link(place.input)?.addresses.contains(address) == true
            : topology.isLocal(address, arrivingBy: place.input)
        return isLocal ? RouteType.local : RouteType.unicast
    }
}
