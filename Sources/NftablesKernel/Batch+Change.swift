internal import CMnl
internal import CNftnl
internal import Glibc
internal import Nftables

extension Batch {
    /// What is added must be new: a thing that is there already means that the changes were computed against something else.
    /// Only a table may exist, as in nft's `add table`.
    private static var addition: Int32 { NLM_F_CREATE | NLM_F_EXCL }

    mutating func encode(_ change: Change, _ index: Int) throws(NetlinkError) {
        switch change {
        case .addTable(let table): try add(table, index)
        case .deleteTable(let name): try deleteTable(name, index)
        case .addCounter(let counter): try add(counter, index)
        case .deleteCounter(let name): try deleteObject(.counter, name, index)
        case .addLimit(let limit): try add(limit, index)
        case .deleteLimit(let name): try deleteObject(.limit, name, index)
        case .addSet(let header): try add(header, index)
        case .deleteSet(let name): try deleteSet(name, index)
        case .addElements(let set, let elements): try append(elements, to: set, .add, index)
        case .deleteElements(let set, let elements): try append(elements, to: set, .delete, index)
        case .addChain(let name, let base): try addChain(name, base, index)
        case .deleteChain(let name): try deleteChain(name, index)
        case .addRule(let rule, let chain, let before): try add(rule, chain: chain, before: before, index)
        case .replaceRule(let handle, let rule, let chain): try replace(handle, with: rule, chain: chain, index)
        case .deleteRule(let handle, let chain): try deleteRule(handle, chain: chain, index)
        }
    }

    private mutating func add(_ table: Table, _ index: Int) throws(NetlinkError) {
        let object = try NftnlTable()
        object.set(NFTNL_TABLE_NAME, try checked(table.name))
        object.set(NFTNL_TABLE_FLAGS, 0)
        if let comment = table.comment {
            object.set(NFTNL_TABLE_USERDATA, try UserDataBuffer.comment(comment, NFTNL_UDATA_TABLE_COMMENT.rawValue))
        }
        try append(NFT_MSG_NEWTABLE, flags: NLM_F_CREATE, change: index, object)
    }

    private mutating func deleteTable(_ name: String, _ index: Int) throws(NetlinkError) {
        let object = try NftnlTable()
        object.set(NFTNL_TABLE_NAME, try checked(name))
        try append(NFT_MSG_DELTABLE, flags: 0, change: index, object)
    }

    private mutating func add(_ counter: Counter, _ index: Int) throws(NetlinkError) {
        let object = try self.object(.counter, counter.name)
        object.set(NFTNL_OBJ_CTR_PKTS, UInt64(0))
        object.set(NFTNL_OBJ_CTR_BYTES, UInt64(0))
        try append(NFT_MSG_NEWOBJ, flags: Self.addition, change: index, object)
    }

    private mutating func add(_ limit: Limit, _ index: Int) throws(NetlinkError) {
        let object = try self.object(.limit, limit.name)
        object.set(NFTNL_OBJ_LIMIT_RATE, limit.rate)
        object.set(NFTNL_OBJ_LIMIT_UNIT, limit.unit.rawValue)
        object.set(NFTNL_OBJ_LIMIT_BURST, limit.burst)
        object.set(NFTNL_OBJ_LIMIT_TYPE, NFT_LIMIT_PKTS.rawValue)
        object.set(NFTNL_OBJ_LIMIT_FLAGS, UInt32(0))
        try append(NFT_MSG_NEWOBJ, flags: Self.addition, change: index, object)
    }

    private mutating func deleteObject(_ kind: ObjectKind, _ name: String, _ index: Int) throws(NetlinkError) {
        try append(NFT_MSG_DELOBJ, flags: 0, change: index, try object(kind, name))
    }

    private func object(_ kind: ObjectKind, _ name: String) throws(NetlinkError) -> NftnlObject {
        let object = try NftnlObject()
        object.set(NFTNL_OBJ_TABLE, try checked(transaction.table))
        object.set(NFTNL_OBJ_NAME, try checked(name))
        object.set(NFTNL_OBJ_TYPE, kind.rawValue)
        return object
    }

    private mutating func addChain(_ name: String, _ base: BaseChain?, _ index: Int) throws(NetlinkError) {
        let object = try chain(name)
        if let base {
            object.set(NFTNL_CHAIN_TYPE, BaseChain.type)
            object.set(NFTNL_CHAIN_HOOKNUM, base.hook.number)
            object.set(NFTNL_CHAIN_PRIO, UInt32(bitPattern: base.priority))
            object.set(NFTNL_CHAIN_POLICY, base.policy.rawValue)
            if let device = base.hook.device { object.set(NFTNL_CHAIN_DEV, try checked(device: device)) }
        }
        try append(NFT_MSG_NEWCHAIN, flags: Self.addition, change: index, object)
    }

    private mutating func deleteChain(_ name: String, _ index: Int) throws(NetlinkError) {
        let object = try chain(name)
        try append(NFT_MSG_DELCHAIN, flags: 0, change: index, object)
    }

    private func chain(_ name: String) throws(NetlinkError) -> NftnlChain {
        let object = try NftnlChain()
        object.set(NFTNL_CHAIN_TABLE, try checked(transaction.table))
        object.set(NFTNL_CHAIN_NAME, try checked(name))
        return object
    }

    private mutating func deleteSet(_ name: String, _ index: Int) throws(NetlinkError) {
        let object = try NftnlSet()
        object.set(NFTNL_SET_TABLE, try checked(transaction.table))
        object.set(NFTNL_SET_NAME, try checked(name))
        try append(NFT_MSG_DELSET, flags: 0, change: index, object)
    }
}

/// A name that the kernel can hold (it counts the NUL), and that C reads to its end. Nothing else may become an attribute.
func checked(_ name: String) throws(NetlinkError) -> String {
    guard name.utf8.count < Int(NFT_NAME_MAXLEN), !name.isEmpty, !name.utf8.contains(0) else {
        throw NetlinkError(
            operation: "write", object: "name \(name)", code: ENAMETOOLONG,
            detail: "a name has 1 to \(NFT_NAME_MAXLEN - 1) bytes, none of them NUL")
    }
    return name
}

/// The name of an interface as the kernel holds it, with the NUL in `IFNAMSIZ` bytes.
private func checked(device: String) throws(NetlinkError) -> String {
    guard device.utf8.count < Int(IFNAMSIZ), !device.isEmpty, !device.utf8.contains(0) else {
        throw NetlinkError(
            operation: "write", object: "interface \(device)", code: EINVAL,
            detail: "an interface's name has 1 to \(IFNAMSIZ - 1) bytes, none of them NUL")
    }
    return device
}

extension BaseChain {
    /// The only chain type that the IR has.
    static var type: String { "filter" }
}

extension UserDataBuffer {
    static func comment(_ comment: String, _ type: UInt32) throws(NetlinkError) -> UserDataBuffer {
        let buffer = try UserDataBuffer()
        guard !comment.utf8.contains(0), comment.utf8.count < UInt8.max, buffer.put(type, comment) else {
            throw NetlinkError(
                operation: "write", object: "comment", code: E2BIG,
                detail: "\(comment.utf8.count) bytes, where nft keeps up to \(NFTNL_UDATA_COMMENT_MAXLEN)")
        }
        return buffer
    }
}
