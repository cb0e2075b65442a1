internal import CNftnl
internal import Glibc
internal import HostRules

/// Puts all tables of a network namespace together from the messages of their dumps.
struct HostReader {
    struct TableName: Hashable {
        var family: HostTable.Family
        var name: String
    }

    private struct ChainName: Hashable {
        var table: TableName
        var name: String
    }

    private var tables: [TableName: HostTable] = [:]
    /// In the kernel's order.
    private(set) var names: [TableName] = []
    private var rules: [ChainName: [HostRule]] = [:]
    private(set) var sets: [HostSetReader] = []
    private var filledSets: [TableName: Set<String>] = [:]

    func ruleset(generation: UInt32, sets: [TableName: [HostSet]]) -> HostRuleset {
        let tables = names.compactMap { name -> HostTable? in
            guard var table = self.tables[name] else { return nil }
            table.chains = table.chains.map { chain in
                var chain = chain
                chain.rules = rules[ChainName(table: name, name: chain.name)] ?? []
                return chain
            }
            table.sets = (sets[name] ?? []).map { set in
                var set = set
                if filledSets[name]?.contains(set.name) == true { set.isDynamic = true }
                return set
            }
            return table
        }
        return HostRuleset(generation: generation, tables: tables)
    }

    static func family(_ number: UInt8) throws(MalformedMessage) -> HostTable.Family {
        guard let family = HostTable.Family(rawValue: number) else {
            throw MalformedMessage("the family \(number), which is not known")
        }
        return family
    }

    /// A message of `NFT_MSG_GETTABLE`.
    mutating func readTable(_ family: UInt8, _ message: RawSpan) throws(MalformedMessage) {
        var table = HostTable(family: try Self.family(family), name: "")
        var attributes = AttributeCursor(message)
        while let attribute = try attributes.next() {
            switch attribute.type {
            case NFTA_TABLE_NAME.rawValue: table.name = attribute.payload.text()
            case NFTA_TABLE_FLAGS.rawValue:
                let flags: UInt32 = try attribute.payload.networkOrder()
                table.isDormant = flags & NFT_TABLE_F_DORMANT.rawValue != 0
            case NFTA_TABLE_USERDATA.rawValue:
                _ = attribute.payload.readUserData { type, payload in
                    if type == NFTNL_UDATA_TABLE_COMMENT.rawValue { table.comment = payload.text() }
                }
            default: break
            }
        }
        let name = TableName(family: table.family, name: table.name)
        if tables[name] == nil { names.append(name) }
        tables[name] = table
    }

    /// A message of `NFT_MSG_GETCHAIN`.
    mutating func readChain(_ family: UInt8, _ message: RawSpan) throws(MalformedMessage) {
        let family = try Self.family(family)
        var table = ""
        var chain = HostChain(name: "")
        var hook: HookNest?
        var policy: UInt32?
        var type = ""
        var attributes = AttributeCursor(message)
        while let attribute = try attributes.next() {
            switch attribute.type {
            case NFTA_CHAIN_TABLE.rawValue: table = attribute.payload.text()
            case NFTA_CHAIN_NAME.rawValue: chain.name = attribute.payload.text()
            case NFTA_CHAIN_HOOK.rawValue: hook = try HookNest(attribute.payload)
            case NFTA_CHAIN_POLICY.rawValue: policy = try attribute.payload.networkOrder()
            case NFTA_CHAIN_TYPE.rawValue: type = attribute.payload.text()
            default: break
            }
        }
        if let hook {
            guard let place = HostChain.Base.Hook(hook.number, family) else {
                throw MalformedMessage("the hook \(hook.number) of family \(family.word), which is not known")
            }
            chain.base = HostChain.Base(
                type: type, hook: place, priority: hook.priority, dropsByDefault: policy == UInt32(NF_DROP),
                devices: hook.devices.sorted())
        }
        // What is there since the tables were dumped shows in the generation.
        tables[TableName(family: family, name: table)]?.chains.append(chain)
    }

    /// A message of `NFT_MSG_GETRULE`.
    mutating func readRule(_ family: UInt8, _ message: RawSpan) throws(MalformedMessage) {
        let part = try RuleMessage(message)
        let name = TableName(family: try Self.family(family), name: part.table)
        var decoder = InstructionDecoder(name.family)
        var elements = AttributeCursor(part.expressions)
        while let element = try elements.next() { try decoder.read(element.payload) }
        rules[ChainName(table: name, name: part.chain), default: []].append(
            HostRule(
                handle: part.handle ?? 0, decoder.instructions, comment: part.comment ?? decoder.comment))
        filledSets[name, default: []].formUnion(decoder.filledSets)
    }

    /// A message of `NFT_MSG_GETFLOWTABLE`.
    mutating func readFlowtable(_ family: UInt8, _ message: RawSpan) throws(MalformedMessage) {
        let flowtable = try FlowtableMessage(message)
        tables[TableName(family: try Self.family(family), name: flowtable.table)]?.flowtables.append(flowtable.name)
    }

    /// A message of `NFT_MSG_GETSET`.
    mutating func readSet(_ family: UInt8, _ message: RawSpan) throws(MalformedMessage) {
        sets.append(try HostSetReader(try Self.family(family), message))
    }
}

extension HostChain.Base.Hook {
    /// From the family's own numbers.
    init?(_ number: UInt32, _ family: HostTable.Family) {
        switch (family, number) {
        case (.netdev, 0): self = .ingress
        case (.netdev, 1): self = .egress
        case (.arp, 0): self = .input
        case (.arp, 1): self = .output
        case (.arp, 2): self = .forward
        case (.inet, 0...5), (.ip, 0...4), (.ip6, 0...4), (.bridge, 0...4): self.init(rawValue: number)
        default: return nil
        }
    }
}
