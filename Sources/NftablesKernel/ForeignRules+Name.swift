internal import CNftnl
internal import HostRules

extension ForeignRules.Message {
    /// `rule in chain DOCKER of table ip filter`
    var name: String {
        guard let part = TableDump.Part.allCases.first(where: { $0.message.rawValue == type }),
            // SAFETY: any bytes are valid bytes.
            let name = try? PartName(part, unsafe attributes.bytes.span.bytes)
        else { return "rules of others" }
        let table = [HostTable.Family(rawValue: UInt8(family))?.word ?? "", name.table].joined(separator: " ")
        return switch part {
        case .table: "table \(table)"
        case .chain: "chain \(name.name) of table \(table)"
        case .object: "object \(name.name) of table \(table)"
        case .set: "set \(name.name) of table \(table)"
        case .elements: "elements of set \(name.name) of table \(table)"
        case .rule: "rule in chain \(name.name) of table \(table)"
        }
    }
}

extension TableDump.Part {
    /// That makes it.
    fileprivate var message: nf_tables_msg_types {
        switch self {
        case .table: NFT_MSG_NEWTABLE
        case .chain: NFT_MSG_NEWCHAIN
        case .object: NFT_MSG_NEWOBJ
        case .set: NFT_MSG_NEWSET
        case .elements: NFT_MSG_NEWSETELEM
        case .rule: NFT_MSG_NEWRULE
        }
    }
}
