internal import Addressing
internal import Nftables

extension IptablesTranslation {
    enum Progress {
        /// What the rule does not decide comes to the line that is written next.
        case goesOn
        /// Every packet is on its way elsewhere.
        case ends
    }

    /// What a rule does once its conditions hold.
    struct Ending {
        /// `-j NFLOG …`, after which it goes on.
        var actions: [String] = []
        var target: Target = .none

        enum Target {
            case none
            /// One or more lines that end the packet's way through the chain, each with what it asks for besides.
            case final([(terms: IptablesTerms, target: String)])
            /// As of a verdict map: what no line asks for goes on.
            case choice([(terms: IptablesTerms, target: String)])
        }

        var lines: [(terms: IptablesTerms, target: String)] {
            actions.map { (IptablesTerms(), $0) }
                + {
                    switch target {
                    case .none: []
                    case .final(let lines), .choice(let lines): lines
                    }
                }()
        }

        var isFinal: Bool { if case .final = target { true } else { false } }
    }

    mutating func translate(_ rule: Rule, _ index: Int, of chain: Chain, _ frame: Frame, to output: Int) -> Progress {
        var conditions = IptablesConditions(sets: sets, family: family)
        var ending = Ending()
        var isShared = false
        for statement in rule.statements {
            if case .none = ending.target {} else { conditions.fail("a statement behind a verdict") }
            switch statement {
            case .match(let key, let relation):
                if !ending.actions.isEmpty { conditions.fail("a question behind a log") }
                conditions.add(key, relation)
            case .limit(let name):
                if !ending.actions.isEmpty { conditions.fail("a limit behind a log") }
                guard let limit = limits[name] else {
                    conditions.fail("limit \(name), which is not there")
                    continue
                }
                isShared = true
                conditions.add(limit)
            case .counter: continue
            case .log(let prefix, let destination):
                ending.actions.append(log(prefix, destination, rule, index, chain))
            case .reject(let rejection):
                ending.target = .final(reject(rejection))
            case .verdict(let verdict):
                ending.target = .final([(IptablesTerms(), target(verdict, index, of: chain, frame))])
            case .verdictMap(let keys, let map):
                ending.target = .choice(choices(keys, map, &conditions, index, chain, frame))
            }
        }
        conditions.finish()
        if conditions.isNever { return .goesOn }
        if let reason = conditions.unsayable {
            note(chain.name, index, rule.origin, .leftOut, "iptables cannot say \(reason)")
            return .goesOn
        }
        if ending.lines.isEmpty { return .goesOn }
        if isShared {
            note(
                chain.name, index, rule.origin, .approximated,
                "a limit that rules share: iptables counts apart for each rule and each family")
        }
        var writer = IptablesRuleWriter(comment: rule.comment, chain: chain, index: index, frame: frame, output: output)
        return writer.write(conditions, ending, to: &self)
    }

    mutating func target(_ verdict: Verdict, _ index: Int, of chain: Chain, _ frame: Frame) -> String {
        switch verdict {
        case .accept: frame.onAccept.target
        case .drop: "-j DROP"
        case .return: frame.onReturn.target
        case .goto(let name): exit(to: name, 0, frame).target
        case .jump(let name):
            exit(
                to: name, 0, Frame(onAccept: frame.onAccept, onReturn: exit(to: chain.name, index + 1, frame))
            ).target
        }
    }

    private func reject(_ rejection: Rejection) -> [(terms: IptablesTerms, target: String)] {
        switch rejection {
        case .portUnreachable:
            [(IptablesTerms(), "-j REJECT --reject-with \(family == .ipv4 ? "icmp-port" : "icmp6-port")-unreachable")]
        case .tcpReset:
            // nft resets what is TCP and drops the rest.
            [
                (.proto(L4Protocol.tcp.rawValue, family), "-j REJECT --reject-with tcp-reset"),
                (IptablesTerms(), "-j DROP"),
            ]
        }
    }

    private mutating func log(
        _ prefix: String, _ destination: LogDestination, _ rule: Rule, _ index: Int, _ chain: Chain
    ) -> String {
        let option: String
        let maximum: Int
        switch destination {
        case .nflog(let group): (option, maximum) = ("-j NFLOG --nflog-group \(group) --nflog-prefix", 63)
        case .kernel: (option, maximum) = ("-j LOG --log-prefix", 29)
        }
        let spoken = Spelling.logPrefix(prefix)
        var cut = ""
        for character in spoken where cut.utf8.count + String(character).utf8.count <= maximum { cut.append(character) }
        if cut != prefix {
            note(chain.name, index, rule.origin, .approximated, "the log prefix is cut to \"\(cut)\"")
        }
        return "\(option) \(cut.iptablesQuoted)"
    }

    private mutating func choices(
        _ keys: [Key], _ name: String, _ conditions: inout IptablesConditions, _ index: Int, _ chain: Chain,
        _ frame: Frame
    ) -> [(terms: IptablesTerms, target: String)] {
        guard let map = sets[name], case .keyed(let elements) = map.elements else {
            conditions.fail("map \(name), which is not there")
            return []
        }
        for key in keys { conditions.addNeeds(of: key) }
        if conditions.isNever { return [] }
        var lines: [(terms: IptablesTerms, target: String)] = []
        for element in elements {
            var rows = [IptablesTerms()]
            guard element.key.count == keys.count, let verdict = element.verdict else {
                conditions.fail("what map \(name) holds")
                return []
            }
            for (key, field) in zip(keys, element.key) {
                guard let choices = field.choices(for: key, family) else {
                    conditions.fail("what map \(name) holds")
                    return []
                }
                var next: [IptablesTerms] = []
                for row in rows {
                    for choice in choices {
                        switch row.joined(choice) {
                        case .terms(let terms): next.append(terms)
                        case .never: continue
                        case .apart:
                            conditions.fail("two fields of map \(name) at once")
                            return []
                        }
                    }
                }
                rows = next
            }
            let target = target(verdict, index, of: chain, frame)
            lines += rows.map { ($0, target) }
        }
        return lines
    }
}

extension IptablesConditions {
    /// What must hold for a key to be there at all.
    fileprivate mutating func addNeeds(of key: Key) {
        switch key {
        case .conntrack(.originalIPv4Source), .conntrack(.originalIPv4Destination):
            if family == .ipv6 { never() }
        case .conntrack(.originalIPv6Source), .conntrack(.originalIPv6Destination):
            if family == .ipv4 { never() }
        case .conntrack(.originalServiceDestination), .meta(.l4proto), .meta(.iifname), .meta(.oifname): break
        case .header(.sourcePort(let transport)), .header(.destinationPort(let transport)):
            require(.proto(transport.rawValue, family))
        case .header(.ip4Source), .header(.ip4Destination): if family == .ipv6 { never() }
        case .header(.ip6Source), .header(.ip6Destination): if family == .ipv4 { never() }
        case .meta(.nfproto), .conntrack(.state), .conntrack(.direction), .conntrack(.status), .header(.tcpFlags),
            .header(.icmpType), .header(.icmpv6Type), .socket:
            fail("a map of \(key.text)")
        }
    }
}

extension String {
    /// As iptables-restore reads it back.
    var iptablesQuoted: String {
        "\"" + flatMap { $0 == "\"" || $0 == "\\" ? ["\\", $0] : [$0] } + "\""
    }
}
