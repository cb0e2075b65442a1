import Addressing
import Nftables

/// A ruleset that a wrong compiler might have made of a policy, or that somebody has had his hands on.
struct WrongRuleset: Sendable, CustomStringConvertible {
    /// The policy that it is not.
    enum Sample: CaseIterable, Sendable {
        case rich
        case docker
        case listed
    }

    var description: String
    var sample: Sample
    var spoil: @Sendable (inout LinearRuleset) throws -> Void

    init(
        _ description: String, _ sample: Sample = .rich,
        _ body: @escaping @Sendable (inout LinearRuleset) throws -> Void
    ) {
        self.description = description
        self.sample = sample
        spoil = body
    }

    /// The change was not there to be made: the test is wrong, or the compiler has learnt to say it otherwise.
    struct NothingChanged: Error {
        var what: String
    }
}

extension LinearRuleset {
    mutating func changeSet(_ name: String, _ body: (inout NamedSet) -> Void) throws {
        guard let index = sets.firstIndex(where: { $0.name == name }) else {
            throw WrongRuleset.NothingChanged(what: "set \(name)")
        }
        let before = sets[index]
        body(&sets[index])
        if sets[index] == before { throw WrongRuleset.NothingChanged(what: "set \(name)") }
    }

    mutating func setAddresses(_ name: String, _ ranges: String...) throws {
        var all = AddressRanges()
        for range in ranges { all.append(try AddressText(range)) }
        let set = all.set
        try changeSet(name) { named in
            switch named.elements {
            case .ipv4: named.elements = .ipv4(set.v4)
            case .ipv6: named.elements = .ipv6(set.v6)
            case .keyed: break
            }
        }
    }

    mutating func changeElements(_ name: String, _ body: (inout [Element]) -> Void) throws {
        try changeSet(name) { set in
            guard case .keyed(var elements) = set.elements else { return }
            body(&elements)
            set.elements = .keyed(elements)
        }
    }

    /// Of a map from ports: those of `old` are found at `new`.
    mutating func movePorts(_ map: String, _ old: ClosedRange<UInt16>, to new: ClosedRange<UInt16>) throws {
        try changeElements(map) { elements in
            for index in elements.indices {
                for field in elements[index].key.indices where elements[index].key[field] == .service(old) {
                    elements[index].key[field] = .service(new)
                }
            }
        }
    }

    mutating func removeChain(_ name: String) throws {
        guard let index = chains.firstIndex(where: { $0.name == name }) else {
            throw WrongRuleset.NothingChanged(what: "chain \(name)")
        }
        chains.remove(at: index)
    }

    mutating func changeChain(_ name: String, _ body: (inout LinearChain) -> Void) throws {
        guard let index = chains.firstIndex(where: { $0.name == name }) else {
            throw WrongRuleset.NothingChanged(what: "chain \(name)")
        }
        let before = chains[index]
        body(&chains[index])
        if chains[index] == before { throw WrongRuleset.NothingChanged(what: "chain \(name)") }
    }

    mutating func removeRules(_ chain: String, where isWrong: @escaping (LinearRule) -> Bool) throws {
        try changeChain(chain) { $0.rules.removeAll(where: isWrong) }
    }

    /// At its head.
    mutating func insertRule(_ chain: String, _ rule: LinearRule) throws {
        try changeChain(chain) { $0.rules.insert(rule, at: 0) }
    }

    /// In every rule of the chain that fits.
    mutating func changeRules(_ chain: String, _ body: (inout LinearRule) -> Void) throws {
        try changeChain(chain) { chain in
            for index in chain.rules.indices { body(&chain.rules[index]) }
        }
    }
}

extension LinearRule {
    func says(_ words: String) -> Bool { comment?.contains(words) == true }

    func looksUp(_ name: String) -> Bool {
        expressions.contains { expression in
            switch expression {
            case .lookup(let set, _, inverted: _): set == name
            case .verdictLookup(let map, _): map == name
            case .meta, .conntrack, .payload, .socket, .compare, .bitwise, .immediate, .counter, .objectReference,
                .log, .reject, .opaque:
                false
            }
        }
    }

    /// Takes the condition that ends with a look-up in the set out of the rule, with what it loads.
    mutating func forget(_ set: String) {
        guard
            let index = expressions.firstIndex(where: { expression in
                if case .lookup(set, _, inverted: _) = expression { true } else { false }
            }), index > 0
        else { return }
        expressions.removeSubrange((index - 1)...index)
    }

    var verdict: Verdict? {
        get {
            if case .immediate(let verdict)? = expressions.last { verdict } else { nil }
        }
        set {
            if let newValue, verdict != nil { expressions[expressions.count - 1] = .immediate(newValue) }
        }
    }
}
