internal import Nftables

extension Change {
    /// In nft's words.
    var operation: String {
        switch self {
        case .addTable, .addCounter, .addLimit, .addSet, .addElements, .addChain: "add"
        case .deleteTable, .deleteCounter, .deleteLimit, .deleteSet, .deleteElements, .deleteChain, .deleteRule:
            "delete"
        case .addRule(_, chain: _, let before): before == nil ? "add" : "insert"
        case .replaceRule: "replace"
        }
    }

    var object: String {
        switch self {
        case .addTable(let table): "table \(table.name)"
        case .deleteTable(let name): "table \(name)"
        case .addCounter(let counter): "counter \(counter.name)"
        case .deleteCounter(let name): "counter \(name)"
        case .addLimit(let limit): "limit \(limit.name)"
        case .deleteLimit(let name): "limit \(name)"
        case .addSet(let set): "\(set.word) \(set.name)"
        case .deleteSet(let name): "set \(name)"
        case .addElements(let set, _), .deleteElements(let set, _): "elements of \(set.word) \(set.name)"
        case .addChain(let name, _), .deleteChain(let name): "chain \(name)"
        case .addRule(_, let chain, before: _): "rule in chain \(chain)"
        case .replaceRule(let handle, with: _, let chain), .deleteRule(let handle, let chain):
            "rule with handle \(handle) in chain \(chain)"
        }
    }

    var origin: Origin? {
        switch self {
        case .addRule(let rule, chain: _, before: _), .replaceRule(handle: _, let rule, chain: _): rule.origin
        case .addTable, .deleteTable, .addCounter, .deleteCounter, .addLimit, .deleteLimit, .addSet, .deleteSet,
            .addElements, .deleteElements, .addChain, .deleteChain, .deleteRule:
            nil
        }
    }
}

extension NamedSet.Header {
    var word: String { isMap ? "map" : "set" }
}
