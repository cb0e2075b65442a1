internal import Addressing
internal import HostRules

/// The host's rules, indexed once for all approaches.
struct Prepared {
    struct Table {
        let table: HostTable
        let chains: [String: HostChain]
        let sets: [String: KeyedSet]

        var label: String { "\(table.family.word) \(table.name)" }
    }

    struct Base {
        let table: Int
        let chain: HostChain
        let base: HostChain.Base
    }

    let tables: [Table]
    let bases: [Base]
    /// Whether any rule sets a mark: until then every packet's is 0.
    let marksAreSet: Bool

    init(_ ruleset: HostRuleset) {
        let tables = ruleset.tables.filter { !$0.isDormant }
        self.tables = tables.map { table in
            Table(
                table: table, chains: Dictionary(table.chains.map { ($0.name, $0) }) { first, _ in first },
                sets: Dictionary(table.sets.map { ($0.name, KeyedSet($0)) }) { first, _ in first })
        }
        var bases: [Base] = []
        for (index, table) in tables.enumerated() {
            for chain in table.chains {
                if let base = chain.base { bases.append(Base(table: index, chain: chain, base: base)) }
            }
        }
        self.bases = bases.sorted { $0.base.priority < $1.base.priority }
        marksAreSet = tables.contains { table in
            table.chains.contains { chain in
                chain.rules.contains { $0.instructions.contains(where: \.mayMark) }
            }
        }
    }

    /// The chains of a hook that see packets of the family, by priority.
    func chains(at hook: HostChain.Base.Hook, _ family: AddressFamily, device: String? = nil) -> [Base] {
        bases.filter { base in
            guard base.base.hook == hook else { return false }
            let isItsFamily =
                switch tables[base.table].table.family {
                case .inet: true
                case .ip: family == .ipv4
                case .ip6: family == .ipv6
                case .netdev: hook == .ingress
                case .arp, .bridge: false
                }
            guard let device else { return isItsFamily }
            return isItsFamily
                && base.base.devices.contains { $0 == device || $0.hasSuffix("*") && device.hasPrefix($0.dropLast()) }
        }
    }
}

extension HostChain.Base {
    var isNAT: Bool { type == "nat" }
}

extension Instruction {
    /// Whether it may set the packet's mark or the connection's.
    fileprivate var mayMark: Bool {
        switch self {
        case .noEffect(let word), .unknown(let word), .xtablesTarget(.noEffect(let word)),
            .xtablesTarget(.unknown(let word)):
            let word = word.lowercased()
            return word.contains("mark") || word.contains("meta") || word.contains("ct ")
        case .loadMeta, .loadConntrack, .loadPayload, .loadFIB, .loadControlGroup, .loadImmediate, .compare, .range,
            .bitwise, .byteorder,
            .lookup, .lookupValue, .lookupVerdict, .verdict, .destinationNAT, .redirect, .sourceNAT, .reject, .notrack,
            .limit, .xtables, .xtablesTarget:
            return false
        }
    }
}
