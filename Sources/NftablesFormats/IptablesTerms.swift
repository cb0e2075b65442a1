/// What one iptables rule asks of a packet. Some options may stand in a rule but once.
struct IptablesTerms: Equatable {
    struct Choice: Equatable {
        var value: String
        var isNegated = false

        func text(_ option: String) -> String { "\(isNegated ? "! " : "")\(option) \(value)" }
    }

    var proto: Choice?
    var input: Choice?
    var output: Choice?
    var source: Choice?
    var destination: Choice?
    /// Each with its own `-m`, for a `-m conntrack` that asks for a state forgets the rest where there is no entry.
    var matches: [String] = []

    static func match(_ text: String, proto: String? = nil) -> Self {
        var terms = Self()
        terms.proto = proto.map { Choice(value: $0) }
        terms.matches = [text]
        return terms
    }

    enum Joined: Equatable {
        case terms(IptablesTerms)
        /// No packet is both.
        case never
        /// iptables cannot ask for both in one rule.
        case apart
    }

    func joined(_ other: Self) -> Joined {
        var result = self
        result.matches += other.matches
        switch (proto, other.proto) {
        case (let one?, let two?) where one != two:
            if one.isNegated, two.isNegated { return .apart }
            if one.value == two.value { return .never }
            if !one.isNegated, !two.isNegated { return .never }
            result.proto = one.isNegated ? two : one
        case (nil, let two): result.proto = two
        case (_?, _): break
        }
        for slot in [\Self.input, \Self.output, \Self.source, \Self.destination] {
            guard let two = other[keyPath: slot] else { continue }
            if let one = result[keyPath: slot], one != two { return .apart }
            result[keyPath: slot] = two
        }
        return .terms(result)
    }

    var isEmpty: Bool { self == Self() }

    /// With a blank behind it, where there is anything.
    var text: String {
        var words: [String] = []
        if let proto { words.append(proto.text("-p")) }
        if let input { words.append(input.text("-i")) }
        if let output { words.append(output.text("-o")) }
        if let source { words.append(source.text("-s")) }
        if let destination { words.append(destination.text("-d")) }
        return (words + matches).map { $0 + " " }.joined()
    }
}

/// Any of several, or none of them.
struct IptablesAlternatives: Equatable {
    var terms: [IptablesTerms]
    var isNegated: Bool
}
