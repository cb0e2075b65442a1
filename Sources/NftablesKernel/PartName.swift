internal import CNftnl
internal import HostRules

/// What a message about a part of a table says it is about.
struct PartName: Hashable {
    private(set) var table = ""
    /// Of the chain or set; of a rule, its chain.
    private(set) var name = ""

    init(_ table: String, _ name: String) {
        self.table = table
        self.name = name
    }

    init(_ part: TableDump.Part, _ message: RawSpan) throws(MalformedMessage) {
        let (tableAttribute, nameAttribute) = part.names
        var attributes = AttributeCursor(message)
        while let attribute = try attributes.next() {
            if attribute.type == tableAttribute { table = attribute.payload.text() }
            if attribute.type == nameAttribute { name = attribute.payload.text() }
        }
        if table.isEmpty { throw MalformedMessage("a \(part.rawValue) without the name of its table") }
        if name.isEmpty { throw MalformedMessage("a \(part.rawValue) without a name") }
    }
}

extension TableDump.Part {
    /// The attributes of the table's name and of its own.
    var names: (table: UInt32, name: UInt32) {
        switch self {
        case .table: (NFTA_TABLE_NAME.rawValue, NFTA_TABLE_NAME.rawValue)
        case .chain: (NFTA_CHAIN_TABLE.rawValue, NFTA_CHAIN_NAME.rawValue)
        case .object: (NFTA_OBJ_TABLE.rawValue, NFTA_OBJ_NAME.rawValue)
        case .set: (NFTA_SET_TABLE.rawValue, NFTA_SET_NAME.rawValue)
        case .elements: (NFTA_SET_ELEM_LIST_TABLE.rawValue, NFTA_SET_ELEM_LIST_SET.rawValue)
        case .rule: (NFTA_RULE_TABLE.rawValue, NFTA_RULE_CHAIN.rawValue)
        }
    }
}
