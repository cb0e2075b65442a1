internal import CMnl
internal import CNftnl
internal import Glibc
internal import Nftables

extension Batch {
    mutating func add(
        _ rule: LinearRule, chain: String, before: UInt64?, _ index: Int
    ) throws(NetlinkError) {
        let object = try encoded(rule, chain: chain)
        if let before { object.set(NFTNL_RULE_POSITION, handle: before) }
        // With a position NLM_F_APPEND would mean behind it.
        try append(
            NFT_MSG_NEWRULE, flags: before == nil ? NLM_F_CREATE | NLM_F_APPEND : NLM_F_CREATE, change: index, object)
    }

    mutating func replace(
        _ handle: UInt64, with rule: LinearRule, chain: String, _ index: Int
    ) throws(NetlinkError) {
        let object = try encoded(rule, chain: chain)
        object.set(NFTNL_RULE_HANDLE, handle: handle)
        try append(NFT_MSG_NEWRULE, flags: NLM_F_REPLACE, change: index, object)
    }

    mutating func deleteRule(_ handle: UInt64, chain: String, _ index: Int) throws(NetlinkError) {
        let object = try empty(chain: chain)
        object.set(NFTNL_RULE_HANDLE, handle: handle)
        try append(NFT_MSG_DELRULE, flags: 0, change: index, object)
    }

    private func empty(chain: String) throws(NetlinkError) -> NftnlRule {
        let object = try NftnlRule()
        object.set(NFTNL_RULE_TABLE, try checked(transaction.table))
        object.set(NFTNL_RULE_CHAIN, try checked(chain))
        return object
    }

    private func encoded(_ rule: LinearRule, chain: String) throws(NetlinkError) -> NftnlRule {
        // All expressions are one attribute, whose length has 16 bits.
        guard rule.expressions.reduce(0, { $0 + $1.messageSizeLimit }) < Int(UInt16.max) else {
            throw NetlinkError(
                operation: "write", object: "rule in chain \(chain)", code: EMSGSIZE,
                detail: "\(rule.expressions.count) expressions are too many for one rule")
        }
        let object = try empty(chain: chain)
        for expression in rule.expressions { object.add(try expression.encoded()) }
        if let comment = rule.comment {
            object.set(NFTNL_RULE_USERDATA, try UserDataBuffer.comment(comment, NFTNL_UDATA_RULE_COMMENT.rawValue))
        }
        return object
    }
}

extension Expression {
    /// No fewer bytes than the expression takes in a message.
    fileprivate var messageSizeLimit: Int {
        let headersAndNumbers = 96
        return switch self {
        case .meta, .conntrack, .payload, .socket, .counter, .reject: headersAndNumbers
        case .compare(_, _, let bytes): headersAndNumbers + bytes.count
        case .bitwise(_, let mask, let xor, into: _): headersAndNumbers + mask.count + xor.count
        case .lookup(let name, _, inverted: _), .verdictLookup(let name, _), .objectReference(_, let name):
            headersAndNumbers + name.utf8.count
        case .immediate(let verdict): headersAndNumbers + (verdict.chain?.utf8.count ?? 0)
        case .log(let prefix, _): headersAndNumbers + prefix.utf8.count
        case .opaque(let name, let bytes): headersAndNumbers + name.utf8.count + bytes.count
        }
    }
}

extension Expression {
    fileprivate func encoded() throws(NetlinkError) -> NftnlExpression {
        let object: NftnlExpression
        switch self {
        case .meta(let key, let register):
            object = try NftnlExpression("meta")
            object.set(NFTNL_EXPR_META_KEY, key.kernelKey.rawValue)
            object.set(NFTNL_EXPR_META_DREG, register.kernelNumber)
        case .conntrack(let key, let register):
            object = try NftnlExpression("ct")
            object.set(NFTNL_EXPR_CT_KEY, UInt32(key.kernelKey.key.rawValue))
            object.set(NFTNL_EXPR_CT_DREG, register.kernelNumber)
            if let direction = key.kernelKey.direction { object.set(NFTNL_EXPR_CT_DIR, direction.rawValue) }
        case .payload(let base, let offset, let length, let register):
            object = try NftnlExpression("payload")
            object.set(NFTNL_EXPR_PAYLOAD_DREG, register.kernelNumber)
            object.set(NFTNL_EXPR_PAYLOAD_BASE, base.rawValue)
            object.set(NFTNL_EXPR_PAYLOAD_OFFSET, UInt32(clamping: offset))
            object.set(NFTNL_EXPR_PAYLOAD_LEN, UInt32(clamping: length))
        case .socket(.cgroup(let level), let register):
            object = try NftnlExpression("socket")
            object.set(NFTNL_EXPR_SOCKET_KEY, UInt32(NFT_SOCKET_CGROUPV2.rawValue))
            object.set(NFTNL_EXPR_SOCKET_LEVEL, UInt32(level))
            object.set(NFTNL_EXPR_SOCKET_DREG, register.kernelNumber)
        case .compare(let register, let comparison, let bytes):
            object = try NftnlExpression("cmp")
            object.set(NFTNL_EXPR_CMP_SREG, register.kernelNumber)
            object.set(NFTNL_EXPR_CMP_OP, comparison.rawValue)
            object.set(NFTNL_EXPR_CMP_DATA, try Self.fitting(bytes))
        case .bitwise(let register, let mask, let xor, let destination):
            object = try NftnlExpression("bitwise")
            object.set(NFTNL_EXPR_BITWISE_SREG, register.kernelNumber)
            object.set(NFTNL_EXPR_BITWISE_DREG, destination.kernelNumber)
            object.set(NFTNL_EXPR_BITWISE_OP, NFT_BITWISE_MASK_XOR.rawValue)
            object.set(NFTNL_EXPR_BITWISE_LEN, UInt32(mask.count))
            object.set(NFTNL_EXPR_BITWISE_MASK, try Self.fitting(mask))
            object.set(NFTNL_EXPR_BITWISE_XOR, try Self.fitting(xor))
        case .lookup(let name, let register, let inverted):
            object = try NftnlExpression("lookup")
            object.set(NFTNL_EXPR_LOOKUP_SREG, register.kernelNumber)
            object.set(NFTNL_EXPR_LOOKUP_SET, try checked(name))
            if inverted { object.set(NFTNL_EXPR_LOOKUP_FLAGS, UInt32(NFT_LOOKUP_F_INV.rawValue)) }
        case .verdictLookup(let name, let register):
            object = try NftnlExpression("lookup")
            object.set(NFTNL_EXPR_LOOKUP_SREG, register.kernelNumber)
            object.set(NFTNL_EXPR_LOOKUP_DREG, UInt32(NFT_REG_VERDICT.rawValue))
            object.set(NFTNL_EXPR_LOOKUP_SET, try checked(name))
        case .immediate(let verdict):
            object = try NftnlExpression("immediate")
            object.set(NFTNL_EXPR_IMM_DREG, UInt32(NFT_REG_VERDICT.rawValue))
            object.set(NFTNL_EXPR_IMM_VERDICT, UInt32(bitPattern: verdict.kernelCode))
            if let chain = verdict.chain { object.set(NFTNL_EXPR_IMM_CHAIN, try checked(chain)) }
        case .counter:
            object = try NftnlExpression("counter")
        case .objectReference(let kind, let name):
            object = try NftnlExpression("objref")
            object.set(NFTNL_EXPR_OBJREF_IMM_TYPE, kind.rawValue)
            object.set(NFTNL_EXPR_OBJREF_IMM_NAME, try checked(name))
        case .log(let prefix, let destination):
            object = try NftnlExpression("log")
            if !prefix.isEmpty { object.set(NFTNL_EXPR_LOG_PREFIX, prefix) }
            if case .nflog(let group) = destination { object.set(NFTNL_EXPR_LOG_GROUP, group) }
        case .reject(let rejection):
            object = try NftnlExpression("reject")
            object.set(NFTNL_EXPR_REJECT_TYPE, UInt32(rejection.kernelType.type.rawValue))
            object.set(NFTNL_EXPR_REJECT_CODE, UInt8(truncatingIfNeeded: rejection.kernelType.code))
        case .opaque(let name, _):
            throw NetlinkError(
                operation: "write", object: "expression \(name)", code: EOPNOTSUPP,
                detail: "it was read from the kernel and is not one that this program writes")
        }
        return object
    }

    /// libnftnl copies into a value of four registers of 16 bytes.
    private static func fitting(_ bytes: [UInt8]) throws(NetlinkError) -> [UInt8] {
        guard !bytes.isEmpty, bytes.count <= Int(NFT_DATA_VALUE_MAXLEN) else {
            throw NetlinkError(
                operation: "write", object: "value", code: EINVAL,
                detail: "\(bytes.count) bytes, where a register holds 1 to \(NFT_DATA_VALUE_MAXLEN)")
        }
        return bytes
    }
}
