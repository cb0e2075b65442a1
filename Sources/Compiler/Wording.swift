internal import Addressing
internal import Diagnostics
internal import Nftables
internal import Policy

extension Origin {
    init(_ span: Span) { self.init(file: span.file, line: span.start.line, column: span.start.column) }
}

extension Log {
    static let limitName = "refused-log"

    var limit: Limit { Limit(name: Self.limitName, rate: rate, unit: unit.nftables) }

    /// One line in the log for a refused packet, as long as the common limit is not reached.
    func rule(_ label: String, when condition: [Statement], origin: Origin?) -> Rule {
        // However long the label, the words stay.
        let prefix =
            Spelling.logPrefix("dockernft refused \(label)".shortened(to: Spelling.maximumLogPrefix - 2)) + ": "
        let destination: LogDestination =
            switch self.destination {
            case .nflog(let group): .nflog(group: group)
            case .kernel: .kernel
            }
        return Rule(
            condition + [.limit(name: Self.limitName), .log(prefix: prefix, destination)], origin: origin)
    }
}

extension String {
    /// As many whole characters as fit into so many bytes.
    fileprivate func shortened(to limit: Int) -> String {
        var result = self
        while result.utf8.count > limit { result.removeLast() }
        return result
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

extension NamedSet {
    /// A set of ports.
    init(ports: [ClosedRange<UInt16>], name: String) {
        self.init(
            name: name, key: [.inetService],
            elements: .keyed(PortMap(ports.map { ($0, 0) }).stretches.map { Element(key: [.service($0.ports)]) }))
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
