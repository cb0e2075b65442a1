internal import Addressing
internal import Nftables

/// What an expression finds when it looks at a packet.
enum Loaded: Equatable {
    case bytes([UInt8])
    /// It is not there: the rule does not match.
    case absent
    /// A packet of ours does not say.
    case unknown(String)
}

extension Packet {
    /// `nft_meta_get_eval`.
    func load(_ key: MetaKey) -> Loaded {
        switch key {
        case .nfproto: .bytes([family.nfProto])
        case .l4proto: .bytes([transport.l4proto])
        case .iifname: .bytes((iifname ?? "").ifname)
        case .oifname: .bytes((oifname ?? "").ifname)
        }
    }

    /// `nft_ct_get_eval`: without an entry there is a state and nothing else.
    func load(_ key: ConntrackKey) -> Loaded {
        let entry: ConntrackEntry
        switch conntrack {
        case .entry(let found): entry = found
        case .invalid: return key == .state ? .bytes(ConntrackFlags.State.invalid.rawValue.hostOrder) : .absent
        case .untracked: return key == .state ? .bytes(ConntrackFlags.State.untracked.rawValue.hostOrder) : .absent
        }
        switch key {
        case .state:
            let state: ConntrackFlags.State =
                switch entry.state {
                case .new: .new
                case .established: .established
                case .related: .related
                }
            return .bytes(state.rawValue.hostOrder)
        case .direction: return .bytes([entry.direction.rawValue])
        case .status: return .bytes(entry.status.rawValue.hostOrder)
        case .originalIPv4Source: return Self.load(entry.source, of: .ipv4)
        case .originalIPv4Destination: return Self.load(entry.destination, of: .ipv4)
        case .originalIPv6Source: return Self.load(entry.source, of: .ipv6)
        case .originalIPv6Destination: return Self.load(entry.destination, of: .ipv6)
        case .originalServiceDestination: return .bytes(entry.serviceDestination.networkOrder)
        }
    }

    private static func load(_ address: IPAddress, of family: AddressFamily) -> Loaded {
        address.family == family ? .bytes(address.networkOrder) : .absent
    }

    /// `nft_payload_eval`.
    func load(_ base: PayloadBase, offset: Int, length: Int) -> Loaded {
        let header: [UInt8?]
        switch base {
        case .link: return .unknown("the link layer's header")
        case .network: header = networkHeader
        case .transport:
            switch transport {
            case .fragment: return .absent
            case .other(let l4proto): return .unknown("a header of protocol \(l4proto)")
            case .tcp, .udp, .sctp, .icmp, .icmpv6: header = transport.header
            }
        }
        guard offset >= 0, length >= 0 else { return .unknown("a load of \(length) bytes at \(offset)") }
        guard offset + length <= header.count else { return .absent }
        let bytes = header[offset..<offset + length].compactMap { $0 }
        return bytes.count == length ? .bytes(bytes) : .unknown("byte \(offset) of the header")
    }

    /// RFC 791 and RFC 8200, the bytes that a packet of ours says nothing of left open.
    private var networkHeader: [UInt8?] {
        switch family {
        case .ipv4:
            [0x45] + Self.open(8) + [transport.l4proto] + Self.open(2) + source.networkOrder + destination.networkOrder
        case .ipv6: Self.open(6) + Self.open(2) + source.networkOrder + destination.networkOrder
        }
    }

    fileprivate static func open(_ count: Int) -> [UInt8?] { Array(repeating: nil, count: count) }
}

extension TransportHeader {
    /// RFC 9293, 768, 9260, 792 and 4443.
    fileprivate var header: [UInt8?] {
        switch self {
        case .tcp(let source, let destination, let flags):
            source.networkOrder + destination.networkOrder + Packet.open(9) + [flags.rawValue] + Packet.open(6)
        case .udp(let source, let destination):
            source.networkOrder + destination.networkOrder + Packet.open(4)
        case .sctp(let source, let destination):
            source.networkOrder + destination.networkOrder + Packet.open(8)
        case .icmp(let type, let code), .icmpv6(let type, let code): [type, code] + Packet.open(6)
        case .other, .fragment: []
        }
    }
}
