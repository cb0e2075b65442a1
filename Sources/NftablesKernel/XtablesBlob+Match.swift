internal import CLinux
internal import Glibc
internal import HostRules

extension XtablesBlob {
    /// What a match asks for: each of them has to hold.
    var matches: [XtablesMatch] {
        switch (name, revision) {
        case ("comment", 0): [.always]
        case ("conntrack", 1...3): conntrack ?? unknown
        case ("state", 0): state ?? unknown
        case ("addrtype", 0), ("addrtype", 1): addressType ?? unknown
        case ("tcp", 0): tcp ?? unknown
        case ("udp", 0): udp ?? unknown
        case ("sctp", 0): sctp ?? unknown
        case ("multiport", 1): multiport ?? unknown
        case ("iprange", 1): addressRange ?? unknown
        case ("mark", 1): mark ?? unknown
        case ("limit", _): [.limit]
        default: unknown
        }
    }

    private var unknown: [XtablesMatch] { [.unknown(name)] }

    private var state: [XtablesMatch]? {
        guard let info = load(into: xt_state_info()) else { return nil }
        var match = XtablesConntrack()
        match.state = .init(info.statemask, inverted: false)
        return [.conntrack(match)]
    }

    private var addressType: [XtablesMatch]? {
        if revision == 0 {
            guard let info = load(into: xt_addrtype_info()) else { return nil }
            return [
                .addressType(
                    source: info.source, sourceInverted: info.invert_source != 0, destination: info.dest,
                    destinationInverted: info.invert_dest != 0)
            ]
        }
        guard let info = load(into: xt_addrtype_info_v1()) else { return nil }
        let inversions = UInt32(XT_ADDRTYPE_INVERT_SOURCE | XT_ADDRTYPE_INVERT_DEST)
        // The other flags ask what the address is to one interface.
        guard info.flags & ~inversions == 0 else { return nil }
        return [
            .addressType(
                source: info.source, sourceInverted: info.flags & UInt32(XT_ADDRTYPE_INVERT_SOURCE) != 0,
                destination: info.dest, destinationInverted: info.flags & UInt32(XT_ADDRTYPE_INVERT_DEST) != 0)
        ]
    }

    private var tcp: [XtablesMatch]? {
        guard let info = load(into: xt_tcp()) else { return nil }
        let inversions = Int32(info.invflags)
        guard
            var matches = ports(
                source: info.spts, inversions & XT_TCP_INV_SRCPT != 0, destination: info.dpts,
                inversions & XT_TCP_INV_DSTPT != 0)
        else { return nil }
        if info.flg_mask != 0 || inversions & XT_TCP_INV_FLAGS != 0 {
            matches.append(
                .tcpFlags(
                    mask: info.flg_mask, compare: info.flg_cmp, inverted: inversions & XT_TCP_INV_FLAGS != 0))
        }
        if info.option != 0 { matches.append(.unknown("tcp option")) }
        return matches.isEmpty ? [.always] : matches
    }

    private var udp: [XtablesMatch]? {
        guard let info = load(into: xt_udp()) else { return nil }
        let inversions = Int32(info.invflags)
        let matches = ports(
            source: info.spts, inversions & XT_UDP_INV_SRCPT != 0, destination: info.dpts,
            inversions & XT_UDP_INV_DSTPT != 0)
        return matches.map { $0.isEmpty ? [.always] : $0 }
    }

    private var sctp: [XtablesMatch]? {
        guard let info = load(into: xt_sctp_info()) else { return nil }
        let flags = Int32(bitPattern: info.flags)
        let inversions = Int32(bitPattern: info.invflags)
        guard flags & ~(XT_SCTP_SRC_PORTS | XT_SCTP_DEST_PORTS) == 0 else { return nil }
        let every: (UInt16, UInt16) = (0, .max)
        let matches = ports(
            source: flags & XT_SCTP_SRC_PORTS != 0 ? info.spts : every, inversions & XT_SCTP_SRC_PORTS != 0,
            destination: flags & XT_SCTP_DEST_PORTS != 0 ? info.dpts : every, inversions & XT_SCTP_DEST_PORTS != 0)
        return matches.map { $0.isEmpty ? [.always] : $0 }
    }

    /// Ports in the machine's own order. All of them, not inverted, are no condition.
    private func ports(
        source: (UInt16, UInt16), _ sourceIsInverted: Bool, destination: (UInt16, UInt16),
        _ destinationIsInverted: Bool
    ) -> [XtablesMatch]? {
        guard let from = portRange(source.0, source.1), let to = portRange(destination.0, destination.1) else {
            return nil
        }
        let every = UInt16.min...UInt16.max
        var matches: [XtablesMatch] = []
        if from != every || sourceIsInverted { matches.append(.sourcePorts([from], inverted: sourceIsInverted)) }
        if to != every || destinationIsInverted {
            matches.append(.destinationPorts([to], inverted: destinationIsInverted))
        }
        return matches
    }

    private var multiport: [XtablesMatch]? {
        guard let info = load(into: xt_multiport_v1()), Int(info.count) <= Int(XT_MULTI_PORTS) else { return nil }
        let packed = bytes(of: \xt_multiport_v1.ports)
        // Those that begin a range: the next one is where it ends.
        let begins = bytes(of: \xt_multiport_v1.pflags)
        let ports = stride(from: 0, to: packed.count - 1, by: 2).map { index in
            UInt16(littleEndian: UInt16(packed[index]) | UInt16(packed[index + 1]) << 8)
        }
        var ranges: [ClosedRange<UInt16>] = []
        var index = 0
        while index < Int(info.count) {
            var last = index
            if begins[index] != 0 {
                last = index + 1
                guard last < Int(info.count) else { return nil }
            }
            guard let range = portRange(ports[index], ports[last]) else { return nil }
            ranges.append(range)
            index = last + 1
        }
        switch UInt32(info.flags) {
        case XT_MULTIPORT_SOURCE.rawValue: return [.sourcePorts(ranges, inverted: info.invert != 0)]
        case XT_MULTIPORT_DESTINATION.rawValue: return [.destinationPorts(ranges, inverted: info.invert != 0)]
        // Either of them.
        default: return nil
        }
    }

    private var addressRange: [XtablesMatch]? {
        guard let info = load(into: xt_iprange_mtinfo()),
            let sourceLow = address(\xt_iprange_mtinfo.src_min), let sourceHigh = address(\xt_iprange_mtinfo.src_max),
            let low = address(\xt_iprange_mtinfo.dst_min), let high = address(\xt_iprange_mtinfo.dst_max)
        else { return nil }
        let flags = Int(info.flags)
        var matches: [XtablesMatch] = []
        if flags & Int(IPRANGE_SRC) != 0 {
            matches.append(
                .sourceRange(from: sourceLow, to: sourceHigh, inverted: flags & Int(IPRANGE_SRC_INV) != 0))
        }
        if flags & Int(IPRANGE_DST) != 0 {
            matches.append(.destinationRange(from: low, to: high, inverted: flags & Int(IPRANGE_DST_INV) != 0))
        }
        return matches.isEmpty ? [.always] : matches
    }

    private var mark: [XtablesMatch]? {
        guard let info = load(into: xt_mark_mtinfo1()) else { return nil }
        return [.mark(value: info.mark, mask: info.mask, inverted: info.invert != 0)]
    }
}
