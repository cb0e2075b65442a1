internal import CLinux
internal import CNftnl
internal import Glibc
internal import HostRules

/// Makes instructions of the expressions of one rule, whoever made it. What is not wholly understood becomes `.unknown`.
struct InstructionDecoder {
    let family: HostTable.Family
    private(set) var instructions: [Instruction] = []
    /// Of iptables' match `comment`.
    private(set) var comment: String?
    /// Sets that packets add to.
    private(set) var filledSets: Set<String> = []

    init(_ family: HostTable.Family) { self.family = family }

    /// An element of `NFTA_RULE_EXPRESSIONS`.
    mutating func read(_ element: RawSpan) throws(MalformedMessage) {
        let (name, fields) = try ExpressionFields.named(element)
        switch name {
        case "match":
            let match = XtablesBlob(
                name: fields.text(NFTA_MATCH_NAME.rawValue) ?? "", revision: try fields.number(NFTA_MATCH_REV.rawValue),
                family: family, fields.bytes(NFTA_MATCH_INFO.rawValue))
            if match.name == "comment" { comment = match.text }
            instructions += match.matches.map(Instruction.xtables)
        case "target":
            let target = XtablesBlob(
                name: fields.text(NFTA_TARGET_NAME.rawValue) ?? "",
                revision: try fields.number(NFTA_TARGET_REV.rawValue), family: family,
                fields.bytes(NFTA_TARGET_INFO.rawValue))
            instructions.append(target.target)
        case "dynset":
            if let set = fields.text(NFTA_DYNSET_SET_NAME.rawValue) { filledSets.insert(set) }
            // Of a full set, or of a limit in it, the rule goes no further.
            instructions.append(.limit)
        case "nat": instructions += try destinationNAT(fields) ?? [.unknown(name)]
        default: instructions.append(try Self.instruction(name, fields) ?? .unknown(name))
        }
    }

    private static func instruction(
        _ name: String, _ fields: ExpressionFields
    ) throws(MalformedMessage) -> Instruction? {
        switch name {
        case "meta": try meta(fields)
        case "ct": try conntrack(fields)
        case "payload": try payload(fields)
        case "cmp": try compare(fields)
        case "range": try range(fields)
        case "bitwise": try bitwise(fields)
        case "byteorder": try byteorder(fields)
        case "lookup": try lookup(fields)
        case "immediate": try immediate(fields)
        case "fib": try fib(fields)
        case "objref": try objectReference(fields)
        case "exthdr": try extensionHeader(fields)
        case "redir": try redirect(fields)
        case "masq": .sourceNAT
        case "reject": .reject
        case "notrack": .notrack
        case "queue": .verdict(.queue)
        case "limit", "quota", "connlimit": .limit
        case "counter", "last", "log": .noEffect(name)
        // The first packets of a flow are not in it yet, and go through the rules.
        case "flow_offload": .noEffect(name)
        case "rt": try fields.register(NFTA_RT_DREG.rawValue).map(Instruction.loadUnknown)
        case "numgen": try fields.register(NFTA_NG_DREG.rawValue).map(Instruction.loadUnknown)
        case "hash": try fields.register(NFTA_HASH_DREG.rawValue).map(Instruction.loadUnknown)
        case "osf": try fields.register(NFTA_OSF_DREG.rawValue).map(Instruction.loadUnknown)
        case "socket": try socket(fields)
        case "tunnel": try fields.register(NFTA_TUNNEL_DREG.rawValue).map(Instruction.loadUnknown)
        case "xfrm": try fields.register(NFTA_XFRM_DREG.rawValue).map(Instruction.loadUnknown)
        default: nil
        }
    }

    // Each of these gives up (`nil`) where there is an attribute that it does not know.

    private static func meta(_ fields: ExpressionFields) throws(MalformedMessage) -> Instruction? {
        let known = [NFTA_META_KEY, NFTA_META_DREG, NFTA_META_SREG].map(\.rawValue)
        guard fields.areAmong(known), let key = try fields.number(NFTA_META_KEY.rawValue) else { return nil }
        if let register = try fields.register(NFTA_META_DREG.rawValue) { return .loadMeta(key, into: register) }
        switch key {
        case NFT_META_MARK.rawValue: return .noEffect("meta mark set")
        case NFT_META_PRIORITY.rawValue: return .noEffect("priority set")
        case NFT_META_NFTRACE.rawValue: return .noEffect("nftrace set")
        case NFT_META_SECMARK.rawValue: return .noEffect("secmark set")
        default: return .unknown("meta set")
        }
    }

    private static func conntrack(_ fields: ExpressionFields) throws(MalformedMessage) -> Instruction? {
        let known = [NFTA_CT_KEY, NFTA_CT_DREG, NFTA_CT_SREG, NFTA_CT_DIRECTION].map(\.rawValue)
        guard fields.areAmong(known), let key = try fields.number(NFTA_CT_KEY.rawValue) else { return nil }
        if let register = try fields.register(NFTA_CT_DREG.rawValue) {
            return .loadConntrack(
                key, direction: try fields.number(NFTA_CT_DIRECTION.rawValue, UInt8.self), into: register)
        }
        switch key {
        case NFT_CT_MARK.rawValue: return .noEffect("ct mark set")
        case NFT_CT_LABELS.rawValue: return .noEffect("labels set")
        case NFT_CT_EVENTMASK.rawValue: return .noEffect("event set")
        case NFT_CT_SECMARK.rawValue: return .noEffect("ct secmark set")
        // Another zone has entries of its own.
        default: return .unknown("ct set")
        }
    }

    private static func payload(_ fields: ExpressionFields) throws(MalformedMessage) -> Instruction? {
        let known = [NFTA_PAYLOAD_BASE, NFTA_PAYLOAD_OFFSET, NFTA_PAYLOAD_LEN, NFTA_PAYLOAD_DREG].map(\.rawValue)
        // With a source register the packet itself is changed.
        if fields.has(NFTA_PAYLOAD_SREG.rawValue) { return .unknown("payload set") }
        guard fields.areAmong(known), let base = try fields.number(NFTA_PAYLOAD_BASE.rawValue),
            let offset = try fields.number(NFTA_PAYLOAD_OFFSET.rawValue),
            let length = try fields.number(NFTA_PAYLOAD_LEN.rawValue),
            let register = try fields.register(NFTA_PAYLOAD_DREG.rawValue),
            length <= maximumLength, base <= NFT_PAYLOAD_TRANSPORT_HEADER.rawValue || length <= shortLength
        else { return nil }
        return .loadPayload(base: base, offset: Int(offset), length: Int(length), into: register)
    }

    private static func compare(_ fields: ExpressionFields) throws(MalformedMessage) -> Instruction? {
        guard fields.areAmong([NFTA_CMP_SREG, NFTA_CMP_OP, NFTA_CMP_DATA].map(\.rawValue)),
            let register = try fields.register(NFTA_CMP_SREG.rawValue),
            let operation = try fields.number(NFTA_CMP_OP.rawValue), operation <= NFT_CMP_GTE.rawValue,
            let bytes = try fields.data(NFTA_CMP_DATA.rawValue)
        else { return nil }
        return .compare(register, operation: operation, bytes)
    }

    private static func range(_ fields: ExpressionFields) throws(MalformedMessage) -> Instruction? {
        let known = [NFTA_RANGE_SREG, NFTA_RANGE_OP, NFTA_RANGE_FROM_DATA, NFTA_RANGE_TO_DATA].map(\.rawValue)
        guard fields.areAmong(known), let register = try fields.register(NFTA_RANGE_SREG.rawValue),
            let operation = try fields.number(NFTA_RANGE_OP.rawValue), operation <= NFT_RANGE_NEQ.rawValue,
            let from = try fields.data(NFTA_RANGE_FROM_DATA.rawValue),
            let to = try fields.data(NFTA_RANGE_TO_DATA.rawValue), from.count == to.count
        else { return nil }
        return .range(register, from: from, to: to, inverted: operation == NFT_RANGE_NEQ.rawValue)
    }

    private static func bitwise(_ fields: ExpressionFields) throws(MalformedMessage) -> Instruction? {
        guard let source = try fields.register(NFTA_BITWISE_SREG.rawValue),
            let destination = try fields.register(NFTA_BITWISE_DREG.rawValue),
            let length = try fields.number(NFTA_BITWISE_LEN.rawValue)
        else { return nil }
        let known = [
            NFTA_BITWISE_SREG, NFTA_BITWISE_DREG, NFTA_BITWISE_LEN, NFTA_BITWISE_MASK, NFTA_BITWISE_XOR,
            NFTA_BITWISE_OP,
        ].map(\.rawValue)
        let operation = try fields.number(NFTA_BITWISE_OP.rawValue) ?? NFT_BITWISE_MASK_XOR.rawValue
        if fields.areAmong(known), operation == NFT_BITWISE_MASK_XOR.rawValue,
            let mask = try fields.data(NFTA_BITWISE_MASK.rawValue),
            let xor = try fields.data(NFTA_BITWISE_XOR.rawValue),
            mask.count == Int(length), xor.count == Int(length)
        {
            return .bitwise(source, mask: mask, xor: xor, into: destination)
        }
        // A shift, or two registers: what comes out is not followed.
        return length <= shortLength ? .loadUnknown(into: destination) : nil
    }

    private static func byteorder(_ fields: ExpressionFields) throws(MalformedMessage) -> Instruction? {
        let known = [
            NFTA_BYTEORDER_SREG, NFTA_BYTEORDER_DREG, NFTA_BYTEORDER_OP, NFTA_BYTEORDER_LEN, NFTA_BYTEORDER_SIZE,
        ].map(\.rawValue)
        guard fields.areAmong(known), let source = try fields.register(NFTA_BYTEORDER_SREG.rawValue),
            let destination = try fields.register(NFTA_BYTEORDER_DREG.rawValue),
            let length = try fields.number(NFTA_BYTEORDER_LEN.rawValue), length <= maximumLength,
            let size = try fields.number(NFTA_BYTEORDER_SIZE.rawValue), [2, 4, 8].contains(size)
        else { return nil }
        return .byteorder(source, into: destination, size: Int(size), length: Int(length))
    }

    private static func lookup(_ fields: ExpressionFields) throws(MalformedMessage) -> Instruction? {
        let known = [NFTA_LOOKUP_SET, NFTA_LOOKUP_SREG, NFTA_LOOKUP_DREG, NFTA_LOOKUP_FLAGS].map(\.rawValue)
        guard fields.areAmong(known), let set = fields.text(NFTA_LOOKUP_SET.rawValue),
            let source = try fields.register(NFTA_LOOKUP_SREG.rawValue)
        else { return nil }
        let flags = try fields.number(NFTA_LOOKUP_FLAGS.rawValue) ?? 0
        guard flags & ~NFT_LOOKUP_F_INV.rawValue == 0 else { return nil }
        let isInverted = flags & NFT_LOOKUP_F_INV.rawValue != 0
        guard let destination = try fields.number(NFTA_LOOKUP_DREG.rawValue) else {
            return .lookup(set: set, source, inverted: isInverted)
        }
        if isInverted { return nil }
        if destination == NFT_REG_VERDICT.rawValue { return .lookupVerdict(map: set, source) }
        return try fields.register(NFTA_LOOKUP_DREG.rawValue).map { .lookupValue(map: set, source, into: $0) }
    }

    private static func immediate(_ fields: ExpressionFields) throws(MalformedMessage) -> Instruction? {
        guard fields.areAmong([NFTA_IMMEDIATE_DREG, NFTA_IMMEDIATE_DATA].map(\.rawValue)) else { return nil }
        guard try fields.number(NFTA_IMMEDIATE_DREG.rawValue) == NFT_REG_VERDICT.rawValue else {
            guard let register = try fields.register(NFTA_IMMEDIATE_DREG.rawValue),
                let bytes = try fields.data(NFTA_IMMEDIATE_DATA.rawValue)
            else { return nil }
            return .loadImmediate(bytes, into: register)
        }
        switch try fields.verdict(NFTA_IMMEDIATE_DATA.rawValue) {
        case .of(let verdict)?: return .verdict(verdict)
        case .goesOn?: return .noEffect("continue")
        case nil: return .unknown("verdict")
        }
    }

    private static func fib(_ fields: ExpressionFields) throws(MalformedMessage) -> Instruction? {
        guard fields.areAmong([NFTA_FIB_DREG, NFTA_FIB_RESULT, NFTA_FIB_FLAGS].map(\.rawValue)),
            let register = try fields.register(NFTA_FIB_DREG.rawValue),
            let result = try fields.number(NFTA_FIB_RESULT.rawValue),
            let flags = try fields.number(NFTA_FIB_FLAGS.rawValue)
        else { return nil }
        return .loadFIB(result: result, flags: flags, into: register)
    }

    private static func socket(_ fields: ExpressionFields) throws(MalformedMessage) -> Instruction? {
        guard let register = try fields.register(NFTA_SOCKET_DREG.rawValue) else { return nil }
        guard fields.areAmong([NFTA_SOCKET_KEY, NFTA_SOCKET_DREG, NFTA_SOCKET_LEVEL].map(\.rawValue)),
            try fields.number(NFTA_SOCKET_KEY.rawValue) == NFT_SOCKET_CGROUPV2.rawValue,
            let level = try fields.number(NFTA_SOCKET_LEVEL.rawValue)
        else { return .loadUnknown(into: register) }
        return .loadControlGroup(level: Int(level), into: register)
    }

    private static func objectReference(_ fields: ExpressionFields) throws(MalformedMessage) -> Instruction? {
        // By a map: where nothing in it matches, the rule goes no further.
        guard let kind = try fields.number(NFTA_OBJREF_IMM_TYPE.rawValue) else { return .limit }
        switch Int32(bitPattern: kind) {
        case NFT_OBJECT_COUNTER: return .noEffect("counter")
        case NFT_OBJECT_LIMIT, NFT_OBJECT_QUOTA, NFT_OBJECT_CONNLIMIT: return .limit
        case NFT_OBJECT_CT_HELPER: return .noEffect("helper set")
        case NFT_OBJECT_CT_TIMEOUT: return .noEffect("timeout set")
        case NFT_OBJECT_SECMARK: return .noEffect("secmark set")
        default: return nil
        }
    }

    private static func extensionHeader(_ fields: ExpressionFields) throws(MalformedMessage) -> Instruction? {
        guard let register = try fields.register(NFTA_EXTHDR_DREG.rawValue) else {
            return .noEffect("option set")
        }
        guard let length = try fields.number(NFTA_EXTHDR_LEN.rawValue), length <= shortLength else { return nil }
        return .loadUnknown(into: register)
    }

    private static func redirect(_ fields: ExpressionFields) throws(MalformedMessage) -> Instruction? {
        let known = [NFTA_REDIR_REG_PROTO_MIN, NFTA_REDIR_REG_PROTO_MAX, NFTA_REDIR_FLAGS].map(\.rawValue)
        let low = NFTA_REDIR_REG_PROTO_MIN.rawValue
        guard fields.areAmong(known), try fields.isOneValue(low, NFTA_REDIR_REG_PROTO_MAX.rawValue) else {
            return .unknown("redirect to a range of ports")
        }
        return .redirect(port: try fields.register(low))
    }

    private func destinationNAT(_ fields: ExpressionFields) throws(MalformedMessage) -> [Instruction]? {
        guard let type = try fields.number(NFTA_NAT_TYPE.rawValue),
            let family = try fields.number(NFTA_NAT_FAMILY.rawValue)
        else { return nil }
        let known = [
            NFTA_NAT_TYPE, NFTA_NAT_FAMILY, NFTA_NAT_REG_ADDR_MIN, NFTA_NAT_REG_ADDR_MAX, NFTA_NAT_REG_PROTO_MIN,
            NFTA_NAT_REG_PROTO_MAX, NFTA_NAT_FLAGS,
        ].map(\.rawValue)
        let address = NFTA_NAT_REG_ADDR_MIN.rawValue
        let port = NFTA_NAT_REG_PROTO_MIN.rawValue
        let flags = Int32(bitPattern: try fields.number(NFTA_NAT_FLAGS.rawValue) ?? 0)
        var target: Instruction
        if type == NFT_NAT_SNAT.rawValue {
            target = .sourceNAT
        } else if fields.areAmong(known), flags & (NF_NAT_RANGE_NETMAP | NF_NAT_RANGE_PROTO_OFFSET) == 0,
            try fields.isOneValue(address, NFTA_NAT_REG_ADDR_MAX.rawValue),
            try fields.isOneValue(port, NFTA_NAT_REG_PROTO_MAX.rawValue)
        {
            target = .destinationNAT(
                address: try fields.register(address), port: try fields.register(port))
        } else {
            target = .unknown("dnat to a range")
        }
        guard self.family == .inet, family != UInt32(NFPROTO_INET), let family = UInt8(exactly: family) else {
            return [target]
        }
        // `nft_nat_inet_eval` leaves packets of the other family alone.
        return [
            .loadMeta(NFT_META_NFPROTO.rawValue, into: Instruction.spareRegister),
            .compare(Instruction.spareRegister, operation: NFT_CMP_EQ.rawValue, [family]), target,
        ]
    }

    /// All of the kernel's registers.
    private static var maximumLength: UInt32 { 64 }
    /// What `Instruction.loadUnknown` covers.
    private static var shortLength: UInt32 { 16 }
}

extension ExpressionFields {
    /// Whether the range that two registers hold is one value: both are the same, or the second is not there.
    fileprivate func isOneValue(_ low: UInt32, _ high: UInt32) throws(MalformedMessage) -> Bool {
        // A register that cannot be read is no register.
        if has(low), try register(low) == nil { return false }
        guard has(high) else { return true }
        return try register(high) == register(low)
    }
}

/// A verdict that somebody else's rule has.
enum ForeignVerdict {
    case of(HostVerdict)
    /// `continue`
    case goesOn
}

extension RawSpan {
    /// The verdict of a nest of `NFTA_DATA_*`; `nil` where there is none that is known.
    func foreignVerdict() throws(MalformedMessage) -> ForeignVerdict? {
        guard let parts = try verdictParts() else { return nil }
        return switch (parts.code, parts.chain) {
        case (NFT_CONTINUE.rawValue, _): .goesOn
        case (NFT_RETURN.rawValue, _): .of(.return)
        case (NFT_JUMP.rawValue, let chain?): .of(.jump(chain))
        case (NFT_GOTO.rawValue, let chain?): .of(.goto(chain))
        case (NF_ACCEPT, _): .of(.accept)
        case (NF_DROP, _): .of(.drop)
        // The number of the queue is in the upper half.
        case (let code?, _) where code > 0 && code & NF_VERDICT_MASK == NF_QUEUE: .of(.queue)
        default: nil
        }
    }
}
