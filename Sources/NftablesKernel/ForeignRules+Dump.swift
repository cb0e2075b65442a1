internal import CNftnl
internal import Glibc
internal import HostRules
internal import Nftables

extension ForeignRules {
    /// The tables of a dump, made again as they were. What a kernel says of its own (handles, numbers of uses, places) is left out.
    ///
    /// Everything comes from elsewhere, a file perhaps: each attribute that is taken lies within its message, the tables are such
    /// as Docker has its rules in, and all else is for the kernel to judge, in the one namespace that it is for.
    public init(_ dump: TableDump) throws(TableDump.Malformed) {
        var replay = Replay()
        for (place, message) in dump.messages.enumerated() {
            do throws(MalformedMessage) {
                // SAFETY: any bytes are valid bytes.
                try replay.read(message, unsafe message.attributes.span.bytes)
            } catch {
                throw TableDump.Malformed(place: place, what: error.what)
            }
        }
        self = replay.rules
    }
}

private struct Replay {
    private(set) var rules = ForeignRules()
    /// Sets without a name of their own, with their elements: each is made together with the one rule that it belongs to.
    private var anonymous: [SetName: [ForeignRules.Message]] = [:]
    private var lastSetNumber: UInt32 = 0

    private struct SetName: Hashable {
        var family: HostTable.Family
        var part: PartName
    }

    mutating func read(_ message: TableDump.Message, _ bytes: RawSpan) throws(MalformedMessage) {
        guard message.attributes.count <= TableDump.messageLimit else {
            throw MalformedMessage("\(message.attributes.count) bytes, more than a message has")
        }
        let name = try PartName(message.part, bytes)
        let family = message.family
        guard TableDump.mayBeDockers(HostReader.TableName(family: family, name: name.table)) else {
            throw MalformedMessage("a table in which Docker has no rules")
        }
        switch message.part {
        case .table:
            var table = try bytes.kept([NFTA_TABLE_NAME, NFTA_TABLE_USERDATA].map(\.rawValue))
            // Who owns it is no concern of the copy.
            let flags = try bytes.number(NFTA_TABLE_FLAGS.rawValue) ?? 0
            table.put(NFTA_TABLE_FLAGS.rawValue, flags & NFT_TABLE_F_DORMANT.rawValue)
            add(NFT_MSG_NEWTABLE, family, table)
        case .chain:
            let kept = [
                NFTA_CHAIN_TABLE, NFTA_CHAIN_NAME, NFTA_CHAIN_HOOK, NFTA_CHAIN_POLICY, NFTA_CHAIN_TYPE,
                NFTA_CHAIN_USERDATA,
            ]
            add(NFT_MSG_NEWCHAIN, family, try bytes.kept(kept.map(\.rawValue)))
        case .object:
            let kept = [NFTA_OBJ_TABLE, NFTA_OBJ_NAME, NFTA_OBJ_TYPE, NFTA_OBJ_DATA, NFTA_OBJ_USERDATA]
            add(NFT_MSG_NEWOBJ, family, try bytes.kept(kept.map(\.rawValue)))
        case .set: try addSet(SetName(family: family, part: name), bytes)
        case .elements: try addElements(SetName(family: family, part: name), bytes)
        case .rule: try addRule(family, name.table, bytes)
        }
    }

    private mutating func add(_ type: nf_tables_msg_types, _ family: HostTable.Family, _ attributes: NetlinkAttributes)
    {
        rules.append(type, family: Int(family.rawValue), attributes)
    }

    // MARK: Sets

    private mutating func addSet(_ name: SetName, _ bytes: RawSpan) throws(MalformedMessage) {
        let kept = [
            NFTA_SET_TABLE, NFTA_SET_NAME, NFTA_SET_FLAGS, NFTA_SET_KEY_TYPE, NFTA_SET_KEY_LEN, NFTA_SET_DATA_TYPE,
            NFTA_SET_DATA_LEN, NFTA_SET_POLICY, NFTA_SET_DESC, NFTA_SET_TIMEOUT, NFTA_SET_GC_INTERVAL,
            NFTA_SET_USERDATA, NFTA_SET_OBJ_TYPE, NFTA_SET_EXPR, NFTA_SET_EXPRESSIONS,
        ]
        var set = try bytes.kept(kept.map(\.rawValue))
        lastSetNumber += 1
        set.put(NFTA_SET_ID.rawValue, lastSetNumber)
        let flags = try bytes.number(NFTA_SET_FLAGS.rawValue) ?? 0
        guard flags & NFT_SET_ANONYMOUS.rawValue != 0 else { return add(NFT_MSG_NEWSET, name.family, set) }
        anonymous[name] = [
            ForeignRules.Message(
                type: NFT_MSG_NEWSET.rawValue, family: Int(name.family.rawValue), attributes: set, isBound: true)
        ]
    }

    /// In the order of their keys: of an interval the kernel takes the end only behind its beginning, and dumps them the other way round.
    private mutating func addElements(_ name: SetName, _ bytes: RawSpan) throws(MalformedMessage) {
        var elements: [Element] = []
        var attributes = AttributeCursor(bytes)
        while let attribute = try attributes.next() {
            guard attribute.type == NFTA_SET_ELEM_LIST_ELEMENTS.rawValue else { continue }
            var list = AttributeCursor(attribute.payload)
            while let element = try list.next() { elements.append(try Element(element.payload)) }
        }
        elements.sort()
        var message = try bytes.kept([NFTA_SET_ELEM_LIST_TABLE, NFTA_SET_ELEM_LIST_SET].map(\.rawValue))
        message.nest(NFTA_SET_ELEM_LIST_ELEMENTS.rawValue) { list in
            for element in elements { list.nest(NFTA_LIST_ELEM.rawValue) { $0.put(element.bytes) } }
        }
        if anonymous[name] == nil { return add(NFT_MSG_NEWSETELEM, name.family, message) }
        anonymous[name]?.append(
            ForeignRules.Message(
                type: NFT_MSG_NEWSETELEM.rawValue, family: Int(name.family.rawValue), attributes: message,
                isBound: true))
    }

    private struct Element: Comparable {
        var key: [UInt8] = []
        var isEnd = false
        var bytes: [UInt8]

        init(_ element: RawSpan) throws(MalformedMessage) {
            bytes = element.array()
            var attributes = AttributeCursor(element)
            while let attribute = try attributes.next() {
                switch attribute.type {
                case NFTA_SET_ELEM_KEY.rawValue: key = try attribute.payload.elementKey().array()
                case NFTA_SET_ELEM_FLAGS.rawValue:
                    let flags: UInt32 = try attribute.payload.networkOrder()
                    isEnd = flags & UInt32(NFT_SET_ELEM_INTERVAL_END.rawValue) != 0
                default: break
                }
            }
        }

        static func < (left: Self, right: Self) -> Bool {
            left.key == right.key ? left.isEnd && !right.isEnd : left.key.lexicographicallyPrecedes(right.key)
        }
    }

    // MARK: Rules

    private mutating func addRule(
        _ family: HostTable.Family, _ table: String, _ bytes: RawSpan
    ) throws(MalformedMessage) {
        let kept = [NFTA_RULE_TABLE, NFTA_RULE_CHAIN, NFTA_RULE_USERDATA]
        var rule = try bytes.kept(kept.map(\.rawValue))
        var scan = RuleScan(family)
        var expressions = NetlinkAttributes()
        var list = AttributeCursor(try RuleMessage(bytes).expressions)
        while let expression = try list.next() {
            // A short cut for what goes on: it decides about no packet that opens a connection, and its flowtable hangs on devices.
            if try scan.read(expression.payload) == "flow_offload" { continue }
            expressions.nest(NFTA_LIST_ELEM.rawValue) { $0.put(expression.payload.array()) }
        }
        rule.nest(NFTA_RULE_EXPRESSIONS.rawValue) { $0 = expressions }
        if let compatibility = scan.compatibility {
            rule.nest(NFTA_RULE_COMPAT.rawValue) { attributes in
                attributes.put(NFTA_RULE_COMPAT_PROTO.rawValue, UInt32(compatibility.l4proto))
                attributes.put(
                    NFTA_RULE_COMPAT_FLAGS.rawValue, compatibility.isInverted ? NFT_RULE_COMPAT_F_INV.rawValue : 0)
            }
        }
        for set in scan.sets {
            let messages = anonymous.removeValue(forKey: SetName(family: family, part: PartName(table, set)))
            for message in messages ?? [] { rules.append(message) }
        }
        add(NFT_MSG_NEWRULE, family, rule)
    }
}

extension RawSpan {
    /// Its attributes of these types, as they came.
    fileprivate func kept(_ types: [UInt32]) throws(MalformedMessage) -> NetlinkAttributes {
        var kept = NetlinkAttributes()
        var attributes = AttributeCursor(self)
        while let attribute = try attributes.next() {
            if types.contains(attribute.type) { kept.put(attribute.type, attribute.payload.array()) }
        }
        return kept
    }

    fileprivate func number(_ type: UInt32) throws(MalformedMessage) -> UInt32? {
        var attributes = AttributeCursor(self)
        while let attribute = try attributes.next() {
            if attribute.type == type { return try attribute.payload.networkOrder() }
        }
        return nil
    }
}
