internal import CLinux
internal import Glibc
internal import HostRules

extension XtablesBlob {
    var target: Instruction {
        switch (name, revision) {
        case ("DNAT", 0) where family == .ip: .xtablesTarget(destinationNAT(oldRange))
        case ("DNAT", 1): .xtablesTarget(destinationNAT(range))
        case ("DNAT", 2): .xtablesTarget(destinationNAT(rangeWithBase))
        case ("REDIRECT", 0): .xtablesTarget(redirect(family == .ip ? oldRange : range))
        case ("SNAT", _), ("MASQUERADE", _): .xtablesTarget(.sourceNAT)
        case ("REJECT", _): .xtablesTarget(.reject)
        case ("NFQUEUE", _): .verdict(.queue)
        case ("CT", 0...2): .xtablesTarget(connectionTracking)
        case ("NOTRACK", _): .xtablesTarget(.notrack)
        case ("LOG", _), ("NFLOG", _), ("AUDIT", _), ("TRACE", _), ("TCPMSS", _), ("TCPOPTSTRIP", _), ("CHECKSUM", _),
            ("CLASSIFY", _), ("DSCP", _), ("TOS", _), ("ECN", _), ("SET", _), ("LED", _), ("RATEEST", _),
            ("MARK", _), ("CONNMARK", _), ("SECMARK", _), ("CONNSECMARK", _), ("IDLETIMER", _):
            .xtablesTarget(.noEffect(name))
        default: .xtablesTarget(.unknown(name))
        }
    }

    /// What the structures of NAT have in common.
    private struct Range {
        var flags: Int32
        var low: [UInt8]
        var high: [UInt8]
        var ports: (low: UInt16, high: UInt16)

        /// The address that it stays at; outer `nil` where there are several.
        var address: [UInt8]?? {
            guard flags & NF_NAT_RANGE_MAP_IPS != 0 else { return .some(nil) }
            return low == high ? .some(low) : nil
        }

        var port: UInt16?? {
            guard flags & NF_NAT_RANGE_PROTO_SPECIFIED != 0 else { return .some(nil) }
            return ports.low == ports.high ? .some(ports.low) : nil
        }

        var isPlain: Bool { flags & (NF_NAT_RANGE_NETMAP | NF_NAT_RANGE_PROTO_OFFSET) == 0 }
    }

    private func destinationNAT(_ range: Range?) -> XtablesTarget {
        guard let range, range.isPlain, let address = range.address, let port = range.port else {
            return .unknown(name)
        }
        return .destinationNAT(address: address, port: port)
    }

    private func redirect(_ range: Range?) -> XtablesTarget {
        guard let range, range.isPlain, let port = range.port else { return .unknown(name) }
        return .redirect(port: port)
    }

    private var oldRange: Range? {
        typealias Compat = nf_nat_ipv4_multi_range_compat
        guard let info = load(into: Compat()), info.rangesize == 1 else { return nil }
        // SAFETY: all members of the union are numbers of 16 bits.
        return unsafe Range(
            flags: Int32(bitPattern: info.range.flags), low: info.range.min_ip.networkBytes,
            high: info.range.max_ip.networkBytes,
            ports: (UInt16(bigEndian: info.range.min.all), UInt16(bigEndian: info.range.max.all)))
    }

    private var range: Range? {
        guard let info = load(into: nf_nat_range()), let low = address(\nf_nat_range.min_addr),
            let high = address(\nf_nat_range.max_addr)
        else { return nil }
        // SAFETY: all members of the union are numbers of 16 bits.
        return unsafe Range(
            flags: Int32(bitPattern: info.flags), low: low, high: high,
            ports: (UInt16(bigEndian: info.min_proto.all), UInt16(bigEndian: info.max_proto.all)))
    }

    private var rangeWithBase: Range? { load(into: nf_nat_range2()) == nil ? nil : range }

    private var connectionTracking: XtablesTarget {
        // SAFETY: its pointer is the kernel's, and not followed.
        guard let info = unsafe load(into: xt_ct_target_info()) else { return .unknown(name) }
        let notrack = UInt16(XT_CT_NOTRACK | XT_CT_NOTRACK_ALIAS)
        let (flags, zone) = unsafe (info.flags, info.zone)
        if flags & UInt16(XT_CT_NOTRACK) != 0, flags & ~notrack == 0 { return .notrack }
        // Another zone has entries of its own.
        return flags == 0 && zone == 0 ? .noEffect(name) : .unknown(name)
    }
}

extension UInt32 {
    /// The bytes of a number that is kept in network order.
    fileprivate var networkBytes: [UInt8] {
        let number = UInt32(bigEndian: self)
        return [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: number >> $0) }
    }
}
