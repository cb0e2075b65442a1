internal import CLinux
internal import CNftnl
internal import Glibc
internal import HostRules

extension XtablesBlob {
    /// Its three revisions begin alike: they differ in how wide the masks are, in the order of the ports' bytes, and the last has ranges.
    var conntrack: [XtablesMatch]? {
        guard let info = load(into: xt_conntrack_mtinfo1()) else { return nil }
        var states = UInt32(info.state_mask)
        var status = UInt32(info.status_mask)
        var ports = [info.origsrc_port, info.origdst_port, info.replsrc_port, info.repldst_port]
            .map { (low: UInt16(bigEndian: $0), high: UInt16(bigEndian: $0)) }
        if revision == 2 {
            guard let info = load(into: xt_conntrack_mtinfo2()) else { return nil }
            states = UInt32(info.state_mask)
            status = UInt32(info.status_mask)
        }
        if revision == 3 {
            guard let info = load(into: xt_conntrack_mtinfo3()) else { return nil }
            states = UInt32(info.state_mask)
            status = UInt32(info.status_mask)
            ports = [
                (info.origsrc_port, info.origsrc_port_high), (info.origdst_port, info.origdst_port_high),
                (info.replsrc_port, info.replsrc_port_high), (info.repldst_port, info.repldst_port_high),
            ]
        }
        let asks = { (flag: Int) in Int(info.match_flags) & flag != 0 }
        let inverts = { (flag: Int) in Int(info.invert_flags) & flag != 0 }
        var match = XtablesConntrack()
        var others: [XtablesMatch] = []
        if asks(Int(XT_CONNTRACK_STATE)) {
            let isInverted = inverts(Int(XT_CONNTRACK_STATE))
            let nat = states & (Self.sourceNAT | Self.destinationNAT)
            if nat == 0 {
                match.state = .init(Self.states(states), inverted: isInverted)
            } else if nat == states, !isInverted, !asks(Int(XT_CONNTRACK_STATUS)) {
                match.status = .init(Self.status(nat), inverted: false)
            } else {
                others.append(.unknown("conntrack --ctstate of NAT and more"))
            }
        }
        if asks(Int(XT_CONNTRACK_STATUS)) { match.status = .init(status, inverted: inverts(Int(XT_CONNTRACK_STATUS))) }
        if asks(Int(XT_CONNTRACK_DIRECTION)) {
            match.isOriginal = .init(true, inverted: inverts(Int(XT_CONNTRACK_DIRECTION)))
        }
        if asks(Int(XT_CONNTRACK_PROTO)) {
            guard let proto = UInt8(exactly: info.l4proto) else { return nil }
            match.proto = .init(proto, inverted: inverts(Int(XT_CONNTRACK_PROTO)))
        }
        if asks(Int(XT_CONNTRACK_EXPIRES)) { others.append(.unknown("conntrack --ctexpire")) }
        for (flag, place, address, mask) in Self.addresses where asks(flag) {
            guard let address = self.address(address), let mask = self.address(mask) else { return nil }
            match[keyPath: place] = .init(.init(address: address, mask: mask), inverted: inverts(flag))
        }
        for ((flag, place), port) in zip(Self.ports, ports) where asks(flag) {
            guard let range = portRange(port.low, port.high) else { return nil }
            match[keyPath: place] = .init(range, inverted: inverts(flag))
        }
        if Int(info.match_flags) & ~Self.known != 0 { others.append(.unknown(name)) }
        return match == XtablesConntrack() ? (others.isEmpty ? [.always] : others) : [.conntrack(match)] + others
    }

    private typealias Place<Value: Hashable & Sendable> = WritableKeyPath<
        XtablesConntrack, XtablesConntrack.Condition<Value>?
    >

    private static var addresses:
        [(
            flag: Int, place: Place<XtablesConntrack.Prefix>, address: KeyPath<xt_conntrack_mtinfo1, nf_inet_addr>,
            mask: KeyPath<xt_conntrack_mtinfo1, nf_inet_addr>
        )]
    {
        [
            (Int(XT_CONNTRACK_ORIGSRC), \.originalSource, \.origsrc_addr, \.origsrc_mask),
            (Int(XT_CONNTRACK_ORIGDST), \.originalDestination, \.origdst_addr, \.origdst_mask),
            (Int(XT_CONNTRACK_REPLSRC), \.replySource, \.replsrc_addr, \.replsrc_mask),
            (Int(XT_CONNTRACK_REPLDST), \.replyDestination, \.repldst_addr, \.repldst_mask),
        ]
    }

    private static var ports: [(flag: Int, place: Place<ClosedRange<UInt16>>)] {
        [
            (Int(XT_CONNTRACK_ORIGSRC_PORT), \.originalSourcePort),
            (Int(XT_CONNTRACK_ORIGDST_PORT), \.originalDestinationPort),
            (Int(XT_CONNTRACK_REPLSRC_PORT), \.replySourcePort),
            (Int(XT_CONNTRACK_REPLDST_PORT), \.replyDestinationPort),
        ]
    }

    /// All that is read above, and the flag that says which name was written for a state.
    private static var known: Int { Int(XT_CONNTRACK_STATE_ALIAS) << 1 - 1 }

    /// Macros that are not imported: `XT_CONNTRACK_STATE_SNAT`, `_DNAT` and `_UNTRACKED`.
    private static var sourceNAT: UInt32 { 1 << (IP_CT_NUMBER.rawValue + 1) }
    private static var destinationNAT: UInt32 { 1 << (IP_CT_NUMBER.rawValue + 2) }
    private static var untracked: UInt32 { 1 << (IP_CT_NUMBER.rawValue + 3) }

    /// In nf_tables' bits, where `untracked` has another.
    private static func states(_ mask: UInt32) -> UInt32 {
        let tracked: UInt32 = 1 << (IP_CT_IS_REPLY.rawValue + 1) - 1
        return mask & tracked | (mask & untracked != 0 ? 1 << 6 : 0)
    }

    private static func status(_ nat: UInt32) -> UInt32 {
        (nat & sourceNAT != 0 ? IPS_SRC_NAT.rawValue : 0) | (nat & destinationNAT != 0 ? IPS_DST_NAT.rawValue : 0)
    }
}
