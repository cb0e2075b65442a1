internal import Nftables

/// Writes one rule, whose conditions may need several lines and chains of their own.
struct IptablesRuleWriter {
    let comment: String?
    let chain: Chain
    let index: Int
    let frame: IptablesTranslation.Frame
    /// The chain that is written to: at first the rule's own, later one that only packets reach for which all conditions so
    /// far hold.
    var output: Int
    private var isApart = false
    /// Whether the rule ends in what leaves no chain by RETURN: then what it needs chains for is called with `-j` and comes
    /// back by itself, and what follows the rule stays where it is.
    private var isCall = false
    /// How many lines are better than a chain more: the kernel takes but sixteen chains one behind the other.
    private static let maximumProduct = 256

    init(comment: String?, chain: Chain, index: Int, frame: IptablesTranslation.Frame, output: Int) {
        self.comment = comment
        self.chain = chain
        self.index = index
        self.frame = frame
        self.output = output
    }

    mutating func write(
        _ conditions: IptablesConditions, _ ending: IptablesTranslation.Ending,
        to translation: inout IptablesTranslation
    ) -> IptablesTranslation.Progress {
        var pending = conditions.terms
        var waiting = conditions.alternatives[...]
        let hasLimit = conditions.limit != nil
        isCall = ending.lines.allSatisfy { $0.target.hasPrefix("-j ") && $0.target != "-j RETURN" }
        while let next = waiting.popFirst() {
            if next.isNegated {
                if !pending.isEmpty || isCall && !isApart { branch([pending], &pending, &translation) }
                let elsewhere = rest(&translation).target
                for terms in next.terms { line(terms, elsewhere, &translation) }
                isApart = true
                continue
            }
            guard let joined = join(pending, next.terms) else {
                branch([pending], &pending, &translation)
                waiting = [next] + waiting
                continue
            }
            if let following = waiting.first, !following.isNegated,
                joined.count * following.terms.count <= Self.maximumProduct,
                let both = multiply(joined, following.terms)
            {
                waiting[waiting.startIndex] = IptablesAlternatives(terms: both, isNegated: false)
                pending = IptablesTerms()
                continue
            }
            if waiting.isEmpty, !hasLimit, let lines = product(joined, ending) {
                for (terms, target) in lines { line(terms, target, &translation) }
                return finish(isFinal: false, &translation)
            }
            branch(joined, &pending, &translation)
        }
        if let limit = conditions.limit {
            let text =
                "-m limit --limit \(limit.rate)/\(limit.unit.word) --limit-burst \(max(limit.burst, 1))"
            pending.matches.append(text)
            // The limit is asked once, so that all that follows on it is behind it.
            if ending.lines.count > 1 { branch([pending], &pending, &translation) }
        }
        guard let lines = product([pending], ending) else {
            branch([pending], &pending, &translation)
            for (terms, target) in ending.lines { line(terms, target, &translation) }
            return finish(isFinal: ending.isFinal, &translation)
        }
        for (terms, target) in lines { line(terms, target, &translation) }
        return finish(isFinal: ending.isFinal && pending.isEmpty, &translation)
    }

    /// What neither matched nor was decided goes on behind the rule.
    private mutating func finish(
        isFinal: Bool, _ translation: inout IptablesTranslation
    ) -> IptablesTranslation.Progress {
        if isCall, isApart { return .goesOn }
        if isFinal { return .ends }
        if !isApart { return .goesOn }
        translation.append(rest(&translation).target, to: output)
        return .ends
    }

    /// Sends what any of the terms asks for to a new chain and all else on behind the rule; goes on writing in the new chain.
    private mutating func branch(
        _ choices: [IptablesTerms], _ pending: inout IptablesTerms, _ translation: inout IptablesTranslation
    ) {
        let elsewhere = rest(&translation).target
        let inner = translation.newChain(chain.name)
        let name = translation.chains[inner].name
        if isCall, !isApart {
            for terms in choices { line(terms, "-j \(name)", &translation) }
        } else {
            for terms in choices { line(terms, IptablesTranslation.Exit.chain(name).target, &translation) }
            translation.append(elsewhere, to: output)
        }
        output = inner
        pending = IptablesTerms()
        isApart = true
    }

    private func rest(_ translation: inout IptablesTranslation) -> IptablesTranslation.Exit {
        isCall ? .leave : translation.exit(to: chain.name, index + 1, frame)
    }

    private func line(_ terms: IptablesTerms, _ target: String, _ translation: inout IptablesTranslation) {
        // xt_comment holds 255 bytes; nft's comments are shorter.
        let remark = comment.map { "-m comment --comment \(Spelling.comment($0).iptablesQuoted) " } ?? ""
        translation.append("\(terms.text)\(remark)\(target)", to: output)
    }

    /// `nil` where iptables cannot ask for both in one rule.
    private func join(_ terms: IptablesTerms, _ choices: [IptablesTerms]) -> [IptablesTerms]? {
        var result: [IptablesTerms] = []
        for choice in choices {
            switch terms.joined(choice) {
            case .terms(let joined): result.append(joined)
            case .never: continue
            case .apart: return nil
            }
        }
        return result
    }

    /// Each of the one with each of the other; `nil` where a pair cannot be asked for in one rule.
    private func multiply(_ one: [IptablesTerms], _ other: [IptablesTerms]) -> [IptablesTerms]? {
        var result: [IptablesTerms] = []
        for terms in one {
            guard let more = join(terms, other) else { return nil }
            result += more
        }
        return result
    }

    /// Every line of the ending for every one of the terms; `nil` where a line cannot ask for both. Terms that a packet may
    /// fulfil more than one of have but one line each.
    private func product(
        _ choices: [IptablesTerms], _ ending: IptablesTranslation.Ending
    ) -> [(terms: IptablesTerms, target: String)]? {
        let lines = ending.lines
        if choices.count > 1, lines.count > 1 { return nil }
        var result: [(terms: IptablesTerms, target: String)] = []
        for terms in choices {
            endingLines: for (number, line) in lines.enumerated() {
                switch terms.joined(line.terms) {
                case .terms(let joined):
                    result.append((joined, line.target))
                    // Nothing is left for the lines behind one that ends all that these terms ask for.
                    if joined == terms, number >= ending.actions.count { break endingLines }
                case .never: continue
                case .apart: return nil
                }
            }
        }
        return result
    }
}
