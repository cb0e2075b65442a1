internal import Addressing
internal import HostRules

extension PacketView {
    func condition(_ match: XtablesMatch) -> Condition<Bits> {
        switch match {
        case .conntrack(let match): condition(match)
        case .addressType(let source, let sourceInverted, let destination, let destinationInverted):
            condition(sourceType: source).inverted(source != 0 && sourceInverted)
                .and(condition(destinationType: destination).inverted(destination != 0 && destinationInverted))
        case .sourcePorts(let ranges, let inverted): any(clientPort, ranges).inverted(inverted)
        case .destinationPorts(let ranges, let inverted): any(destinationPort, ranges).inverted(inverted)
        case .tcpFlags(let mask, let compare, let inverted):
            approach.transport == .tcp
                ? [payload(base: PayloadBase.transport.rawValue, offset: 13, length: 1)[0].masked(mask, xor: 0)]
                    .equals([compare]).inverted(inverted)
                : .never
        case .sourceRange(let from, let to, let inverted): source.isWithin(from, to).inverted(inverted)
        case .destinationRange(let from, let to, let inverted): destination.isWithin(from, to).inverted(inverted)
        case .mark(let value, let mask, let inverted):
            zip(meta(MetaKey.mark.rawValue), mask.hostOrder).map { $0.masked($1, xor: 0) }
                .equals(value.hostOrder).inverted(inverted)
        case .limit: .unsure
        case .always: .always
        case .unknown: .unsure
        }
    }

    private func any(_ port: [Symbol], _ ranges: [ClosedRange<UInt16>]) -> Condition<Bits> {
        ranges.reduce(.never) { result, range in
            let one: Condition<Bits> = port.isWithin(range.lowerBound.networkOrder, range.upperBound.networkOrder)
            return result.inverted.and(one.inverted).inverted
        }
    }

    private func condition(destinationType types: UInt16) -> Condition<Bits> {
        if types == 0 { return .always }
        guard let type = destinationType() else { return .unsure }
        return .certain(types & 1 << UInt16(type) != 0)
    }

    /// The route to a source is not looked up: only that no one outside has an address of ours.
    private func condition(sourceType types: UInt16) -> Condition<Bits> {
        if types == 0 { return .always }
        return types == 1 << UInt16(RouteType.local) ? .never : .unsure
    }

    private func condition(_ match: XtablesConntrack) -> Condition<Bits> {
        var result = Condition<Bits>.always
        if let state = match.state {
            result = .certain((state.value & stateBits != 0) != state.inverted)
        }
        // Without a conntrack entry, `conntrack_mt` asks about the state alone.
        guard state.tracking == .tracked else { return match.state == nil ? .never : result }
        if let isOriginal = match.isOriginal {
            result = result.and(.certain(isOriginal.value != isOriginal.inverted))
        }
        if let status = match.status {
            result = result.and(condition(status: status.value).inverted(status.inverted))
        }
        if let proto = match.proto {
            result = result.and(.certain((proto.value == approach.transport.rawValue) != proto.inverted))
        }
        for (prefix, address) in [
            (match.originalSource, originalSource), (match.originalDestination, originalDestination),
            (match.replySource, destination), (match.replyDestination, source),
        ] {
            if let prefix { result = result.and(condition(address, prefix.value).inverted(prefix.inverted)) }
        }
        for (range, port) in [
            (match.originalSourcePort, clientPort), (match.originalDestinationPort, originalPort),
            (match.replySourcePort, destinationPort), (match.replyDestinationPort, clientPort),
        ] {
            if let range { result = result.and(any(port, [range.value]).inverted(range.inverted)) }
        }
        return result
    }

    /// `IPS_*`: whether one of them is set. Nothing but DNAT can have set one on a connection's first packet.
    private func condition(status bits: UInt32) -> Condition<Bits> {
        if state.isNATed && bits & ConntrackStatus.dstNAT != 0 { return .always }
        return bits & ConntrackStatus.done != 0 ? .unsure : .never
    }

    private func condition(_ address: [Symbol], _ prefix: XtablesConntrack.Prefix) -> Condition<Bits> {
        let wanted = zip(prefix.address, prefix.mask).map { $0 & $1 }
        guard prefix.mask.count >= address.count else { return .unsure }
        return zip(address, prefix.mask).map { $0.masked($1, xor: 0) }
            .equals(Array(wanted.prefix(address.count)))
    }
}
