internal import Addressing
internal import Diagnostics
internal import Nftables
internal import Policy

extension Origin {
    init(_ span: Span) { self.init(file: span.file, line: span.start.line) }
}

extension String {
    /// NFTNL_UDATA_COMMENT_MAXLEN, less its NUL.
    private static let maximumComment = 127

    /// As much of it as nft takes for a comment, and nothing that nft cannot quote.
    var limited: String {
        var result = ""
        for character in self where character != "\"" && character != "\\" {
            guard result.utf8.count + character.utf8.count <= Self.maximumComment else { break }
            result.append(character)
        }
        return result
    }
}

extension Log {
    static let limitName = "refused-log"

    /// NF_LOG_PREFIXLEN of `linux/netfilter/nf_log.h`, less its NUL.
    private static let maximumPrefix = 127

    var limit: Limit { Limit(name: Self.limitName, rate: rate, unit: unit.nftables) }

    /// One line in the log for a refused packet, as long as the common limit is not reached.
    func rule(_ label: String, when condition: [Statement], origin: Origin?) -> Rule {
        let prefix = "dockernft \(label) refused".limited.prefix(Self.maximumPrefix - 2) + ": "
        let destination: LogDestination =
            switch self.destination {
            case .nflog(let group): .nflog(group: group)
            case .kernel: .kernel
            }
        return Rule(
            condition + [.limit(name: Self.limitName), .log(prefix: String(prefix), destination)], origin: origin)
    }
}

extension Log.Unit {
    fileprivate var nftables: Limit.Unit {
        switch self {
        case .second: .second
        case .minute: .minute
        case .hour: .hour
        case .day: .day
        }
    }
}

extension NamedSet {
    /// A set of interface names, of which none stands for what another one already does.
    init(interfaces: [InterfaceName], name: String) {
        let distinct = Set(interfaces).sorted()
        let kept = distinct.filter { one in
            !distinct.contains { $0 != one && $0.isWildcard && one.stem.hasPrefix($0.stem) }
        }
        self.init(
            name: name, key: [.interfaceName],
            elements: .keyed(kept.map { Element(key: [.interface($0)]) }.sorted { $0.key[0] < $1.key[0] }))
    }
}

enum RejectChain {
    static let name = "reject-client"

    /// Only a client's own packet is answered; what a server sends it is dropped without a word.
    static let chain = Chain(
        name: name,
        rules: [
            Rule([.match(.conntrack(.direction), .equals(.direction(.reply))), .verdict(.drop)]),
            Rule([.match(.meta(.l4proto), .equals(.l4proto(.tcp))), .reject(.tcpReset)]),
            Rule([.reject(.portUnreachable)]),
        ])
}
