internal import CNftnl
internal import Glibc
internal import Nftables

extension Expression {
    /// An element of `NFTA_RULE_EXPRESSIONS`. What is not wholly understood becomes `.opaque`.
    init(decoding element: RawSpan) throws(MalformedMessage) {
        var name = ""
        var expression: Expression?
        var bytes: [UInt8] = []
        var attributes = AttributeCursor(element)
        while let attribute = try attributes.next() {
            switch attribute.type {
            case NFTA_EXPR_NAME.rawValue:
                name = attribute.payload.text()
                // A counter needs no data.
                if name == "counter" { expression = .counter }
            case NFTA_EXPR_DATA.rawValue:
                expression = try Self.known(name, attribute.payload)
                if expression == nil { bytes = attribute.payload.array() }
            default: break
            }
        }
        self = expression ?? .opaque(name: name, bytes)
    }

    private static func known(_ name: String, _ nest: RawSpan) throws(MalformedMessage) -> Expression? {
        switch name {
        case "meta": try meta(nest)
        case "ct": try conntrack(nest)
        case "payload": try payload(nest)
        case "cmp": try compare(nest)
        case "socket": try socket(nest)
        case "bitwise": try bitwise(nest)
        case "lookup": try lookup(nest)
        case "immediate": try immediate(nest)
        case "counter": .counter
        case "objref": try objectReference(nest)
        case "log": try log(nest)
        case "reject": try reject(nest)
        default: nil
        }
    }

    // Each of these gives up (`nil`) at the first attribute that it does not know: it may change what the expression does.

    private static func meta(_ nest: RawSpan) throws(MalformedMessage) -> Expression? {
        var key: UInt32?
        var register: Register?
        var attributes = AttributeCursor(nest)
        while let attribute = try attributes.next() {
            switch attribute.type {
            case NFTA_META_KEY.rawValue: key = try attribute.payload.networkOrder()
            case NFTA_META_DREG.rawValue: register = try attribute.payload.register()
            default: return nil
            }
        }
        guard let key = key.flatMap(MetaKey.init(kernelKey:)), let register else { return nil }
        return .meta(key, into: register)
    }

    private static func conntrack(_ nest: RawSpan) throws(MalformedMessage) -> Expression? {
        var key: UInt32?
        var direction: UInt8?
        var register: Register?
        var attributes = AttributeCursor(nest)
        while let attribute = try attributes.next() {
            switch attribute.type {
            case NFTA_CT_KEY.rawValue: key = try attribute.payload.networkOrder()
            case NFTA_CT_DIRECTION.rawValue: direction = try attribute.payload.networkOrder()
            case NFTA_CT_DREG.rawValue: register = try attribute.payload.register()
            default: return nil
            }
        }
        guard let key = key.flatMap({ ConntrackKey(kernelKey: $0, direction: direction) }), let register else {
            return nil
        }
        return .conntrack(key, into: register)
    }

    private static func payload(_ nest: RawSpan) throws(MalformedMessage) -> Expression? {
        var base: UInt32?
        var offset: UInt32?
        var length: UInt32?
        var register: Register?
        var attributes = AttributeCursor(nest)
        while let attribute = try attributes.next() {
            switch attribute.type {
            case NFTA_PAYLOAD_BASE.rawValue: base = try attribute.payload.networkOrder()
            case NFTA_PAYLOAD_OFFSET.rawValue: offset = try attribute.payload.networkOrder()
            case NFTA_PAYLOAD_LEN.rawValue: length = try attribute.payload.networkOrder()
            case NFTA_PAYLOAD_DREG.rawValue: register = try attribute.payload.register()
            default: return nil
            }
        }
        guard let base = base.flatMap(PayloadBase.init(rawValue:)), let offset, let length, let register else {
            return nil
        }
        return .payload(base, offset: Int(offset), length: Int(length), into: register)
    }

    private static func socket(_ nest: RawSpan) throws(MalformedMessage) -> Expression? {
        var key: UInt32?
        var level: UInt32?
        var register: Register?
        var attributes = AttributeCursor(nest)
        while let attribute = try attributes.next() {
            switch attribute.type {
            case NFTA_SOCKET_KEY.rawValue: key = try attribute.payload.networkOrder()
            case NFTA_SOCKET_LEVEL.rawValue: level = try attribute.payload.networkOrder()
            case NFTA_SOCKET_DREG.rawValue: register = try attribute.payload.register()
            default: return nil
            }
        }
        guard key == NFT_SOCKET_CGROUPV2.rawValue, let level = level.flatMap(UInt8.init(exactly:)), let register else {
            return nil
        }
        return .socket(.cgroup(level: level), into: register)
    }

    private static func compare(_ nest: RawSpan) throws(MalformedMessage) -> Expression? {
        var register: Register?
        var comparison: UInt32?
        var bytes: [UInt8]?
        var attributes = AttributeCursor(nest)
        while let attribute = try attributes.next() {
            switch attribute.type {
            case NFTA_CMP_SREG.rawValue: register = try attribute.payload.register()
            case NFTA_CMP_OP.rawValue: comparison = try attribute.payload.networkOrder()
            case NFTA_CMP_DATA.rawValue: bytes = try attribute.payload.value()
            default: return nil
            }
        }
        guard let register, let comparison = comparison.flatMap(Comparison.init(rawValue:)), let bytes else {
            return nil
        }
        return .compare(register, comparison, bytes)
    }

    private static func bitwise(_ nest: RawSpan) throws(MalformedMessage) -> Expression? {
        var source: Register?
        var destination: Register?
        var operation = NFT_BITWISE_MASK_XOR.rawValue
        var length: UInt32?
        var mask: [UInt8]?
        var xor: [UInt8]?
        var attributes = AttributeCursor(nest)
        while let attribute = try attributes.next() {
            switch attribute.type {
            case NFTA_BITWISE_SREG.rawValue: source = try attribute.payload.register()
            case NFTA_BITWISE_DREG.rawValue: destination = try attribute.payload.register()
            case NFTA_BITWISE_OP.rawValue: operation = try attribute.payload.networkOrder()
            case NFTA_BITWISE_LEN.rawValue: length = try attribute.payload.networkOrder()
            case NFTA_BITWISE_MASK.rawValue: mask = try attribute.payload.value()
            case NFTA_BITWISE_XOR.rawValue: xor = try attribute.payload.value()
            default: return nil
            }
        }
        guard let source, let destination, let length, let mask, let xor, operation == NFT_BITWISE_MASK_XOR.rawValue,
            mask.count == Int(length), xor.count == Int(length)
        else { return nil }
        return .bitwise(source, mask: mask, xor: xor, into: destination)
    }

    private static func lookup(_ nest: RawSpan) throws(MalformedMessage) -> Expression? {
        var set: String?
        var source: Register?
        var destination: UInt32?
        var flags: UInt32 = 0
        var attributes = AttributeCursor(nest)
        while let attribute = try attributes.next() {
            switch attribute.type {
            case NFTA_LOOKUP_SET.rawValue: set = attribute.payload.text()
            case NFTA_LOOKUP_SREG.rawValue: source = try attribute.payload.register()
            case NFTA_LOOKUP_DREG.rawValue: destination = try attribute.payload.networkOrder()
            case NFTA_LOOKUP_FLAGS.rawValue: flags = try attribute.payload.networkOrder()
            default: return nil
            }
        }
        guard let set, let source, flags & ~NFT_LOOKUP_F_INV.rawValue == 0 else { return nil }
        let isInverted = flags & NFT_LOOKUP_F_INV.rawValue != 0
        guard let destination else { return .lookup(set: set, source, inverted: isInverted) }
        guard destination == NFT_REG_VERDICT.rawValue, !isInverted else { return nil }
        return .verdictLookup(map: set, source)
    }

    private static func immediate(_ nest: RawSpan) throws(MalformedMessage) -> Expression? {
        var register: UInt32?
        var verdict: Verdict?
        var attributes = AttributeCursor(nest)
        while let attribute = try attributes.next() {
            switch attribute.type {
            case NFTA_IMMEDIATE_DREG.rawValue: register = try attribute.payload.networkOrder()
            case NFTA_IMMEDIATE_DATA.rawValue: verdict = try attribute.payload.verdict()
            default: return nil
            }
        }
        guard register == NFT_REG_VERDICT.rawValue, let verdict else { return nil }
        return .immediate(verdict)
    }

    private static func objectReference(_ nest: RawSpan) throws(MalformedMessage) -> Expression? {
        var kind: UInt32?
        var name: String?
        var attributes = AttributeCursor(nest)
        while let attribute = try attributes.next() {
            switch attribute.type {
            case NFTA_OBJREF_IMM_TYPE.rawValue: kind = try attribute.payload.networkOrder()
            case NFTA_OBJREF_IMM_NAME.rawValue: name = attribute.payload.text()
            default: return nil
            }
        }
        guard let kind = kind.flatMap(ObjectKind.init(rawValue:)), let name else { return nil }
        return .objectReference(kind, name: name)
    }

    private static func log(_ nest: RawSpan) throws(MalformedMessage) -> Expression? {
        var prefix = ""
        var group: UInt16?
        var level = NFT_LOGLEVEL_WARNING.rawValue
        var attributes = AttributeCursor(nest)
        while let attribute = try attributes.next() {
            switch attribute.type {
            case NFTA_LOG_PREFIX.rawValue: prefix = attribute.payload.text()
            case NFTA_LOG_GROUP.rawValue: group = try attribute.payload.networkOrder()
            case NFTA_LOG_LEVEL.rawValue: level = try attribute.payload.networkOrder()
            default: return nil
            }
        }
        if let group { return .log(prefix: prefix, .nflog(group: group)) }
        return level == NFT_LOGLEVEL_WARNING.rawValue ? .log(prefix: prefix, .kernel) : nil
    }

    private static func reject(_ nest: RawSpan) throws(MalformedMessage) -> Expression? {
        var type: UInt32?
        var code: UInt8?
        var attributes = AttributeCursor(nest)
        while let attribute = try attributes.next() {
            switch attribute.type {
            case NFTA_REJECT_TYPE.rawValue: type = try attribute.payload.networkOrder()
            case NFTA_REJECT_ICMP_CODE.rawValue: code = try attribute.payload.networkOrder()
            default: return nil
            }
        }
        return type.flatMap { Rejection(kernelType: $0, code: code) }.map(Expression.reject)
    }
}

extension RawSpan {
    func register() throws(MalformedMessage) -> Register? {
        Register(kernelNumber: try networkOrder())
    }

    /// The bytes of a nest of `NFTA_DATA_*` with a value.
    func value() throws(MalformedMessage) -> [UInt8]? {
        var attributes = AttributeCursor(self)
        while let attribute = try attributes.next() {
            if attribute.type == NFTA_DATA_VALUE.rawValue { return attribute.payload.array() }
        }
        return nil
    }

    /// The verdict of a nest of `NFTA_DATA_*`; `nil` where there is none, or one that the IR does not have.
    func verdict() throws(MalformedMessage) -> Verdict? {
        guard let parts = try verdictParts(), parts.hasNoOther, let code = parts.code else { return nil }
        return Verdict(kernelCode: code, chain: parts.chain)
    }

    /// What the verdict of a nest of `NFTA_DATA_*` is made of; `nil` where there is none.
    func verdictParts() throws(MalformedMessage) -> VerdictParts? {
        var attributes = AttributeCursor(self)
        while let attribute = try attributes.next() {
            if attribute.type == NFTA_DATA_VERDICT.rawValue { return try VerdictParts(attribute.payload) }
        }
        return nil
    }
}

/// `NFTA_VERDICT_*`
struct VerdictParts {
    private(set) var code: Int32?
    private(set) var chain: String?
    /// Whether nothing is left out here.
    private(set) var hasNoOther = true

    init(_ nest: RawSpan) throws(MalformedMessage) {
        var attributes = AttributeCursor(nest)
        while let attribute = try attributes.next() {
            switch attribute.type {
            case NFTA_VERDICT_CODE.rawValue: code = try attribute.payload.networkOrder()
            case NFTA_VERDICT_CHAIN.rawValue: chain = attribute.payload.text()
            default: hasNoOther = false
            }
        }
    }
}
