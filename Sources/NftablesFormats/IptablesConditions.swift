internal import Addressing
internal import Nftables

/// All that a rule asks of a packet of one family before it does something.
struct IptablesConditions {
    let sets: [String: NamedSet]
    let family: AddressFamily

    /// What is to hold, whatever else does.
    private(set) var terms = IptablesTerms()
    private(set) var alternatives: [IptablesAlternatives] = []
    private(set) var limit: Limit?
    /// No packet of this family is ever meant.
    private(set) var isNever = false
    private(set) var unsayable: String?
    /// Whether a packet without a conntrack entry has been ruled out, or has to be.
    private var impliesEntry = false
    private var needsEntry = false
    private var ipv4: [AddressQuestion<UInt32>] = []
    private var ipv6: [AddressQuestion<UInt128>] = []

    init(sets: [String: NamedSet], family: AddressFamily) {
        self.sets = sets
        self.family = family
    }

    mutating func add(_ limit: Limit) {
        if self.limit != nil { unsayable = "two limits in one rule" }
        // libxt_limit counts in ten-thousandths of a second.
        if limit.rate > 10_000 * limit.unit.rawValue { unsayable = "a rate above 10000 a second" }
        if limit.burst > 10_000 { unsayable = "a burst above 10000" }
        self.limit = limit
    }

    mutating func require(_ more: IptablesTerms) {
        switch terms.joined(more) {
        case .terms(let joined): terms = joined
        case .never: isNever = true
        case .apart: alternatives.append(IptablesAlternatives(terms: [more], isNegated: false))
        }
    }

    mutating func require(oneOf choices: [IptablesTerms]) {
        if let only = choices.first, choices.count == 1 {
            require(only)
        } else if choices.isEmpty {
            isNever = true
        } else {
            alternatives.append(IptablesAlternatives(terms: choices, isNegated: false))
        }
    }

    mutating func refuse(_ choices: [IptablesTerms]) {
        if !choices.isEmpty { alternatives.append(IptablesAlternatives(terms: choices, isNegated: true)) }
    }

    mutating func fail(_ reason: String) { unsayable = unsayable ?? reason }

    mutating func never() { isNever = true }

    mutating func noteEntry(implied: Bool) {
        if implied { impliesEntry = true } else { needsEntry = true }
    }

    /// Once all statements are in: a rule that asks what an entry does *not* say is not for packets without one.
    mutating func finish() {
        for question in ipv4 { add(question) }
        for question in ipv6 { add(question) }
        if needsEntry, !impliesEntry { require(.match("-m conntrack ! --ctstate INVALID,UNTRACKED")) }
    }

    /// Sets are asked for once all are known: what is allowed less what is excepted is one list, and needs no chain of its own.
    mutating func ask(_ key: Key, for addresses: IntervalSet<UInt32>, isNegated: Bool) {
        let index = ipv4.firstIndex { $0.key == key } ?? ipv4.endIndex
        if index == ipv4.endIndex { ipv4.append(AddressQuestion(key: key)) }
        ipv4[index].ask(addresses, isNegated: isNegated)
    }

    mutating func ask(_ key: Key, for addresses: IntervalSet<UInt128>, isNegated: Bool) {
        let index = ipv6.firstIndex { $0.key == key } ?? ipv6.endIndex
        if index == ipv6.endIndex { ipv6.append(AddressQuestion(key: key)) }
        ipv6[index].ask(addresses, isNegated: isNegated)
    }

    private mutating func add<Bits: AddressBits>(_ question: AddressQuestion<Bits>) {
        let addresses = question.wanted.map { $0.subtracting(question.refused) } ?? question.refused
        let prefixes = addresses.ranges.flatMap { $0.prefixes }
        let choices = prefixes.compactMap {
            IptablesTerms.address("\($0.address.text)/\($0.length)", for: question.key)
        }
        if choices.count < prefixes.count {
            fail("this question about an address")
        } else if question.wanted == nil {
            refuse(choices)
        } else {
            require(oneOf: choices)
        }
    }
}

/// What a rule asks of one address, set by set.
private struct AddressQuestion<Bits: AddressBits> {
    let key: Key
    /// `nil` where any will do.
    var wanted: IntervalSet<Bits>?
    var refused = IntervalSet<Bits>()

    init(key: Key) { self.key = key }

    mutating func ask(_ addresses: IntervalSet<Bits>, isNegated: Bool) {
        if isNegated {
            refused = refused.union(addresses)
        } else {
            wanted = wanted.map { $0.intersection(addresses) } ?? addresses
        }
    }
}
