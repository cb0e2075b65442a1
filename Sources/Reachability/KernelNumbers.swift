/// Numbers of `linux/netfilter/nf_tables.h` and `nf_conntrack_common.h`, under their names there.

/// `enum nft_meta_keys`
enum MetaKey: UInt32 {
    case `protocol` = 1
    case mark = 3
    case iif = 4
    case oif = 5
    case iifname = 6
    case oifname = 7
    case nfproto = 15
    case l4proto = 16
    case pkttype = 19
    case oifgroup = 22
}

/// `enum nft_ct_keys`
enum ConntrackKey: UInt32 {
    case state = 0
    case direction = 1
    case status = 2
    case mark = 3
    case l3protocol = 7
    case src = 8
    case dst = 9
    case `protocol` = 10
    case protoSrc = 11
    case protoDst = 12
    case srcIP = 19
    case dstIP = 20
    case srcIP6 = 21
    case dstIP6 = 22
}

/// `enum nft_payload_bases`
enum PayloadBase: UInt32 {
    case link = 0
    case network = 1
    case transport = 2
}

enum ConntrackState {
    static let invalid: UInt32 = 1
    static let new: UInt32 = 8
    static let untracked: UInt32 = 64
}

/// `enum ip_conntrack_status`
enum ConntrackStatus {
    static let dstNAT: UInt32 = 1 << 5
    /// Set or not according to which NAT hooks exist.
    static let done: UInt32 = 1 << 7 | 1 << 8
}

/// `enum nft_fib_result` and `NFTA_FIB_F_*`
enum FIB {
    static let addressType: UInt32 = 3
    static let destination: UInt32 = 1 << 1
    static let inputInterface: UInt32 = 1 << 3
    static let outputInterface: UInt32 = 1 << 4
}

/// `RTN_*` of `linux/rtnetlink.h`
enum RouteType {
    static let unicast: UInt32 = 1
    static let local: UInt32 = 2
    static let broadcast: UInt32 = 3
    static let multicast: UInt32 = 5
}

/// `enum nf_ip_hook_priorities`
enum HookPriority {
    static let conntrack: Int32 = -200
    /// All chains of type nat run here; their own priorities order them among themselves.
    static let destinationNAT: Int32 = -100
    static let sourceNAT: Int32 = 100
}

enum EtherType {
    static let ipv4: UInt16 = 0x0800
    static let ipv6: UInt16 = 0x86dd
}
