public import Nftables

extension NftText {
    /// A rule as one line, its comment at the end.
    public static func text(rule: Rule) -> String {
        var words: [String] = []
        var knowsFamily = false
        for statement in rule.statements {
            if case .reject(.portUnreachable) = statement, knowsFamily {
                // nft makes a bare `reject` the ICMP or ICMPv6 of the family that the rule has matched. It is said in
                // full to be the same in every rule; nft lists it short.
                words.append("reject with icmpx port-unreachable")
            } else {
                words.append(text(statement: statement))
            }
            if statement.fixesFamily { knowsFamily = true }
        }
        if let comment = rule.comment { words.append("comment \"\(Spelling.comment(comment))\"") }
        return words.joined(separator: " ")
    }

    public static func text(statement: Statement) -> String {
        switch statement {
        case .match(let key, let relation): text(key, relation)
        case .verdictMap(let keys, let map): "\(keys.map(\.text).joined(separator: " . ")) vmap @\(map)"
        case .counter(let name): "counter name \"\(name)\""
        case .limit(let name): "limit name \"\(name)\""
        case .log(let prefix, let destination):
            switch destination {
            case .nflog(let group): "log prefix \"\(Spelling.logPrefix(prefix))\" group \(group)"
            case .kernel: "log prefix \"\(Spelling.logPrefix(prefix))\""
            }
        case .reject(.tcpReset): "reject with tcp reset"
        case .reject(.portUnreachable): "reject"
        case .verdict(let verdict): verdict.text
        }
    }

    private static func text(_ key: Key, _ relation: Relation) -> String {
        switch relation {
        case .equals(let value):
            // `tcp flags syn` asks for one of the bits, `tcp flags == syn` for just these.
            key == .header(.tcpFlags)
                ? "\(key.text) == \(value.text(for: key))" : "\(key.text) \(value.text(for: key))"
        case .notEquals(let value): "\(key.text) != \(value.text(for: key))"
        case .inSet(let name): "\(key.text) @\(name)"
        case .notInSet(let name): "\(key.text) != @\(name)"
        case .anyOf(let flags): "\(key.text) \(flags.words.joined(separator: ","))"
        case .flagsDiffer(let flags, let mask): text(key, flags, mask: mask)
        case .prefix4(let address, let length):
            TextBuffer.text { buffer in
                buffer.append("\(key.text) ")
                buffer.append(address: address)
                if length < UInt32.bitWidth { buffer.append("/\(length)") }
            }
        case .prefix6(let address, let length):
            TextBuffer.text { buffer in
                buffer.append("\(key.text) ")
                buffer.append(address: address)
                if length < UInt128.bitWidth { buffer.append("/\(length)") }
            }
        case .range(let low, let high): "\(key.text) \(low)-\(high)"
        }
    }

    private static func text(_ key: Key, _ flags: TCPFlags, mask: TCPFlags) -> String {
        let wanted = flags.words.joined(separator: ",")
        let under = mask.words.joined(separator: ",")
        if flags.isEmpty { return "\(key.text) \(under)" }
        // nft lists one bit in its short form too, save where it differs from itself, but does not read that.
        if mask.words.count == 1 { return "\(key.text) & \(under) != \(wanted)" }
        return "\(key.text) != \(wanted) / \(under)"
    }
}

extension Statement {
    /// Whether a rule knows after it which network layer the packet has, in nft's eyes.
    var fixesFamily: Bool {
        switch self {
        case .match(.meta(.nfproto), .equals): true
        case .match(let key, _): key.belongsToFamily
        case .verdictMap(let keys, _): keys.contains { $0.belongsToFamily }
        case .counter, .limit, .log, .reject, .verdict: false
        }
    }
}

extension Key {
    fileprivate var belongsToFamily: Bool {
        switch self {
        case .header(.ip4Source), .header(.ip4Destination), .header(.ip6Source), .header(.ip6Destination),
            .header(.icmpType), .header(.icmpv6Type):
            true
        case .header(.tcpFlags), .header(.sourcePort), .header(.destinationPort): false
        case .meta, .conntrack, .socket: false
        }
    }
}
