internal import CNftnl
internal import Glibc
internal import Nftables

// The kernel's numbers for what the IR names, from its own headers, in both directions.

extension MetaKey {
    var kernelKey: nft_meta_keys {
        switch self {
        case .nfproto: NFT_META_NFPROTO
        case .l4proto: NFT_META_L4PROTO
        case .iifname: NFT_META_IIFNAME
        case .oifname: NFT_META_OIFNAME
        }
    }

    init?(kernelKey: UInt32) {
        guard let key = Self.allCases.first(where: { $0.kernelKey.rawValue == kernelKey }) else { return nil }
        self = key
    }
}

extension ConntrackKey {
    var kernelKey: (key: nft_ct_keys, direction: Direction?) {
        switch self {
        case .state: (NFT_CT_STATE, nil)
        case .direction: (NFT_CT_DIRECTION, nil)
        case .status: (NFT_CT_STATUS, nil)
        case .originalIPv4Source: (NFT_CT_SRC_IP, .original)
        case .originalIPv4Destination: (NFT_CT_DST_IP, .original)
        case .originalIPv6Source: (NFT_CT_SRC_IP6, .original)
        case .originalIPv6Destination: (NFT_CT_DST_IP6, .original)
        case .originalServiceDestination: (NFT_CT_PROTO_DST, .original)
        }
    }

    init?(kernelKey: UInt32, direction: UInt8?) {
        let match = Self.allCases.first {
            $0.kernelKey.key.rawValue == kernelKey && $0.kernelKey.direction?.rawValue == direction
        }
        guard let match else { return nil }
        self = match
    }
}

extension Rejection {
    var kernelType: (type: nft_reject_types, code: UInt32) {
        switch self {
        case .tcpReset: (NFT_REJECT_TCP_RST, 0)
        case .portUnreachable: (NFT_REJECT_ICMPX_UNREACH, NFT_REJECT_ICMPX_PORT_UNREACH.rawValue)
        }
    }

    init?(kernelType: UInt32, code: UInt8?) {
        // The kernel sends no code with a TCP reset.
        switch (kernelType, code) {
        case (NFT_REJECT_TCP_RST.rawValue, nil), (NFT_REJECT_TCP_RST.rawValue, 0): self = .tcpReset
        case (NFT_REJECT_ICMPX_UNREACH.rawValue, UInt8(NFT_REJECT_ICMPX_PORT_UNREACH.rawValue)): self = .portUnreachable
        default: return nil
        }
    }
}

extension Verdict {
    var kernelCode: Int32 {
        switch self {
        case .accept: NF_ACCEPT
        case .drop: NF_DROP
        case .return: NFT_RETURN.rawValue
        case .jump: NFT_JUMP.rawValue
        case .goto: NFT_GOTO.rawValue
        }
    }

    var chain: String? {
        switch self {
        case .jump(let chain), .goto(let chain): chain
        case .accept, .drop, .return: nil
        }
    }

    init?(kernelCode: Int32, chain: String?) {
        switch (kernelCode, chain) {
        case (NF_ACCEPT, nil): self = .accept
        case (NF_DROP, nil): self = .drop
        case (NFT_RETURN.rawValue, nil): self = .return
        case (NFT_JUMP.rawValue, let chain?): self = .jump(chain)
        case (NFT_GOTO.rawValue, let chain?): self = .goto(chain)
        default: return nil
        }
    }
}
