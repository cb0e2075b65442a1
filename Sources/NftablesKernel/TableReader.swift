internal import CNftnl
internal import Glibc
internal import Nftables

/// Puts a table together from the messages of its dumps.
struct TableReader {
    let name: String
    var isFound = false
    var comment: String?
    var handle: UInt64 = 0
    var chains: [LinearChain] = []
    var rules: [String: [LinearRule]] = [:]
    var counters: [Counter] = []
    var readings: [String: CounterReading] = [:]
    var limits: [Limit] = []
    var sets: [NamedSet] = []
    var oddities: [Oddity] = []

    static let foreignUserData = "has user data that nft does not show"

    init(_ name: String) { self.name = name }

    func observed(generation: UInt32) -> ObservedTable {
        let chains = chains.map { LinearChain(name: $0.name, base: $0.base, rules: rules[$0.name] ?? []) }
        return ObservedTable(
            ruleset: LinearRuleset(
                table: Table(name: name, comment: comment), counters: counters.sorted { $0.name < $1.name },
                limits: limits.sorted { $0.name < $1.name }, sets: sets.sorted { $0.name < $1.name }, chains: chains),
            generation: generation, handle: handle, counters: readings, oddities: oddities)
    }

    mutating func note(_ place: Oddity.Place, _ text: String) { oddities.append(Oddity(place, text)) }

    /// A message of `NFT_MSG_GETTABLE`.
    mutating func readTable(_ message: RawSpan) throws(MalformedMessage) {
        var attributes = AttributeCursor(message)
        while let attribute = try attributes.next() {
            switch attribute.type {
            case NFTA_TABLE_NAME.rawValue: isFound = attribute.payload.text() == name
            case NFTA_TABLE_HANDLE.rawValue: handle = try attribute.payload.networkOrder()
            case NFTA_TABLE_FLAGS.rawValue:
                let flags: UInt32 = try attribute.payload.networkOrder()
                if flags & NFT_TABLE_F_DORMANT.rawValue != 0 { note(.table, "dormant: none of its rules are in force") }
                if flags & NFT_TABLE_F_OWNER.rawValue != 0 {
                    note(.table, "owned by a process: it goes when that ends")
                }
                if flags & ~(NFT_TABLE_F_DORMANT.rawValue | NFT_TABLE_F_OWNER.rawValue) != 0 {
                    note(.table, "has flags that are not known here (\(flags))")
                }
            case NFTA_TABLE_USERDATA.rawValue:
                let isOfNft = attribute.payload.readUserData { type, payload in
                    if type == NFTNL_UDATA_TABLE_COMMENT.rawValue { comment = payload.text() }
                }
                if !isOfNft { note(.table, Self.foreignUserData) }
            default: break
            }
        }
    }

    /// A message of `NFT_MSG_GETCHAIN`: the kernel sends those of all tables.
    mutating func readChain(_ message: RawSpan) throws(MalformedMessage) {
        var table: String?
        var chain = ""
        var hook: HookNest?
        var policy: UInt32?
        var type: String?
        var flags: UInt32 = 0
        var hasComment = false
        var attributes = AttributeCursor(message)
        while let attribute = try attributes.next() {
            switch attribute.type {
            case NFTA_CHAIN_TABLE.rawValue: table = attribute.payload.text()
            case NFTA_CHAIN_NAME.rawValue: chain = attribute.payload.text()
            case NFTA_CHAIN_HOOK.rawValue: hook = try HookNest(attribute.payload)
            case NFTA_CHAIN_POLICY.rawValue: policy = try attribute.payload.networkOrder()
            case NFTA_CHAIN_TYPE.rawValue: type = attribute.payload.text()
            case NFTA_CHAIN_FLAGS.rawValue: flags = try attribute.payload.networkOrder()
            case NFTA_CHAIN_USERDATA.rawValue: hasComment = true
            default: break
            }
        }
        guard table == name else { return }
        var base: BaseChain?
        if let hook {
            if let known = BaseChain.Hook(number: hook.number, devices: hook.devices), type == BaseChain.type,
                let policy = policy.flatMap(BaseChain.Policy.init(rawValue:))
            {
                base = BaseChain(hook: known, priority: hook.priority, policy: policy)
            } else {
                note(.chain(chain), "a base chain of type \(type ?? "none") on hook \(hook.number)")
                if !hook.devices.isEmpty { note(.chain(chain), "bound to devices") }
            }
        }
        if hasComment { note(.chain(chain), "has a comment") }
        if flags & ~UInt32(NFT_CHAIN_BASE.rawValue) != 0 { note(.chain(chain), "has flags (\(flags))") }
        chains.append(LinearChain(name: chain, base: base))
    }

    /// A message of `NFT_MSG_GETFLOWTABLE`.
    mutating func readFlowtable(_ message: RawSpan) throws(MalformedMessage) {
        let flowtable = try FlowtableMessage(message)
        if flowtable.table == name { note(.flowtable(flowtable.name), "packets of its flows pass no rule") }
    }

    /// A message of `NFT_MSG_GETRULE`.
    mutating func readRule(_ message: RawSpan) throws(MalformedMessage) {
        let part = try RuleMessage(message)
        guard part.table == name else { return }
        var rule = LinearRule([], comment: part.comment, handle: part.handle)
        var elements = AttributeCursor(part.expressions)
        while let element = try elements.next() {
            rule.expressions.append(try Expression(decoding: element.payload))
        }
        if part.hasForeignData {
            note(.rule(handle: rule.handle ?? 0, chain: part.chain), Self.foreignUserData)
        } else if part.isOfIptables {
            note(.rule(handle: rule.handle ?? 0, chain: part.chain), "made for iptables")
        }
        rules[part.chain, default: []].append(rule)
    }
}
