internal import Addressing
internal import Nftables
internal import Policy

/// Chains that judge a client's address once the port is known: one a service, and one a set of services that share a port.
struct ServiceChains {
    let policy: ResolvedPolicy
    let lists: SourceLists
    private(set) var chains: [String: Chain] = [:]
    private(set) var counters: Set<String> = []
    private(set) var interfaceSets: [Set<InterfaceName>: NamedSet] = [:]

    init(policy: ResolvedPolicy, lists: SourceLists) {
        self.policy = policy
        self.lists = lists
    }

    /// A verdict that sends a packet to the chain of just these services, which are in name order.
    mutating func verdict(for services: [Service]) -> Verdict {
        verdict(judges(of: services), union: NftName.union(of: services.map(\.name)))
    }

    /// The same for packets on the wire, where conntrack has not been; what no service is reached through goes to `otherwise`.
    mutating func wireVerdict(for services: [Service], otherwise: String) -> Verdict {
        let judges = judges(of: services)
        let name = NftName.onTheWire(
            judges.count == 1 ? judges[0].chain : NftName.union(of: services.map(\.name)))
        if chains[name] == nil {
            var rules = rules(judges).compactMap(\.onTheWire)
            if judges.allSatisfy({ $0.interfaces != nil }) { rules.append(Rule([.verdict(.goto(otherwise))])) }
            chains[name] = Chain(name: name, rules: rules)
        }
        return .goto(name)
    }

    private mutating func judges(of services: [Service]) -> [Judge] {
        services.map { service in
            Judge(
                chain: NftName.service(service.name), label: service.name, allow: service.allow, except: service.except,
                interfaces: service.interfaces.isEmpty ? nil : interfaceSet(of: service), origin: Origin(service.span))
        }
    }

    /// The same for services of the host itself.
    mutating func verdict(for services: [HostService]) -> Verdict {
        let judges = services.map { service in
            Judge(
                chain: NftName.hostService(service.name), label: "host \(service.name)", allow: service.allow,
                except: service.except, interfaces: nil, origin: Origin(service.span))
        }
        return verdict(judges, union: NftName.hostUnion(of: services.map(\.name)))
    }

    private mutating func verdict(_ judges: [Judge], union: @autoclosure () -> String) -> Verdict {
        let name = judges.count == 1 ? judges[0].chain : union()
        if chains[name] == nil { chains[name] = Chain(name: name, rules: rules(judges)) }
        return .goto(name)
    }

    private mutating func interfaceSet(of service: Service) -> String {
        let interfaces = Set(service.interfaces)
        if let set = interfaceSets[interfaces] { return set.name }
        // The first service in name order that is limited so gives the set its name.
        let owner = policy.services.first { Set($0.interfaces) == interfaces } ?? service
        let set = NamedSet(interfaces: service.interfaces, name: NftName.interfaces(of: owner.name))
        interfaceSets[interfaces] = set
        return set.name
    }

    private struct Judge {
        var chain: String
        var label: String
        var allow: Sources
        var except: Sources
        /// The set of the only interfaces that the service is reached through.
        var interfaces: String?
        var origin: Origin

        var letsAllIn: Bool { letsAllInSomewhere && interfaces == nil }
        var letsAllInSomewhere: Bool { allow == .anyone && except.isNobody }

        var condition: [Statement] {
            interfaces.map { [.match(.meta(.iifname), .inSet($0))] } ?? []
        }
    }

    /// First all that lets a client in, then what becomes of the others: a union has no order.
    private mutating func rules(_ judges: [Judge]) -> [Rule] {
        var rules: [Rule] = []
        if judges.contains(where: { $0.interfaces != nil }) {
            // The interface that a client came in by is not to be seen on the way back.
            rules.append(
                Rule(
                    [.match(.conntrack(.direction), .equals(.direction(.reply))), .verdict(.accept)],
                    comment: "a reply does not show the client's interface", origin: judges.first?.origin))
        }
        for judge in judges { rules += allowing(judge) }
        let everywhere = judges.filter { $0.interfaces == nil }
        if everywhere.isEmpty {
            for judge in judges where !judge.letsAllInSomewhere { rules += refusing([judge], when: judge.condition) }
        } else {
            rules += refusing(judges, when: [])
        }
        return rules
    }

    private mutating func allowing(_ judge: Judge) -> [Rule] {
        let end: [Statement] = [.counter(name: NftName.allowed(judge.chain)), .verdict(.accept)]
        counters.insert(NftName.allowed(judge.chain))
        let matches: [Statement?]
        switch judge.allow {
        case .anyone: matches = judge.except.isNobody ? [nil] : Self.families
        case .listed(let groups, let addresses):
            matches = lists.parts(groups: groups, addresses: addresses).flatMap(\.matches)
        }
        return matches.compactMap { match in
            guard let exceptions = exceptions(judge.except, family: match?.family) else { return nil }
            return Rule(
                judge.condition + exceptions + (match.map { [$0] } ?? []) + end,
                comment: Spelling.comment("\(judge.label): \(comment(match))"), origin: judge.origin)
        }
    }

    private static let families: [Statement?] = [
        .match(.meta(.nfproto), .equals(.family(.ipv4))), .match(.meta(.nfproto), .equals(.family(.ipv6))),
    ]

    /// Conditions that a client is in none of the exceptions; nil where everyone of the family is.
    private func exceptions(_ sources: Sources, family: AddressFamily?) -> [Statement]? {
        guard case .listed(let groups, let addresses) = sources else { return nil }
        return lists.parts(groups: groups, addresses: addresses).flatMap(\.matches).compactMap { match in
            guard case .match(let key, .inSet(let set)) = match, match.family == family else { return nil }
            return .match(key, .notInSet(set))
        }
    }

    private func comment(_ match: Statement?) -> String {
        guard case .match(_, let relation) = match else { return "anyone may enter" }
        return switch relation {
        case .inSet(let name): "\(name) may enter"
        case .prefix4(let address, let length): "\(IPv4Address(address))/\(length) may enter"
        case .prefix6(let address, let length): "\(IPv6Address(address))/\(length) may enter"
        case .equals, .notEquals, .notInSet, .anyOf, .flagsDiffer, .range: "anyone else may enter"
        }
    }

    private mutating func refusing(_ judges: [Judge], when condition: [Statement]) -> [Rule] {
        // Whoever lets everyone in leaves nobody to refuse.
        if judges.contains(where: { $0.letsAllIn }) { return [] }
        let label = judges.map(\.label).joined(separator: ", ")
        let origin = judges.first?.origin
        var rules: [Rule] = []
        if policy.log.refused { rules.append(policy.log.rule(label, when: condition, origin: origin)) }
        let counters: [Statement] = judges.map { .counter(name: NftName.refused($0.chain)) }
        for judge in judges { self.counters.insert(NftName.refused(judge.chain)) }
        rules.append(
            Rule(
                condition + counters + [.verdict(policy.refuse.verdict)],
                comment: Spelling.comment("\(label): nobody else may enter"), origin: origin))
        return rules
    }
}

extension Sources {
    var isNobody: Bool { self == .nobody }
}

extension Statement {
    /// The family of the addresses that it matches.
    fileprivate var family: AddressFamily? {
        switch self {
        case .match(.conntrack(.originalIPv4Source), _), .match(.meta(.nfproto), .equals(.family(.ipv4))): .ipv4
        case .match(.conntrack(.originalIPv6Source), _), .match(.meta(.nfproto), .equals(.family(.ipv6))): .ipv6
        case .match, .verdictMap, .counter, .limit, .log, .reject, .verdict: nil
        }
    }
}

extension Refusal {
    var verdict: Verdict {
        switch self {
        case .drop: .drop
        case .reject: .goto(RejectChain.name)
        }
    }
}
