internal import Addressing
internal import Nftables
internal import Policy

/// The base chains and what leads from them to the ports: one door for every path by which a packet comes in from outside.
///
/// Only the reply direction is taken on trust. A client's own packets are judged each time anew, so that one who is no longer
/// allowed is cut off at once; and so is what is sent to such a client over UDP, where no handshake holds a server back.
struct Paths {
    private(set) var sets: [NamedSet] = []
    private(set) var chains: [Chain] = []
    private(set) var counters: [String] = []

    private let policy: ResolvedPolicy
    private let published: PublishedPorts
    private let direct: DirectPorts
    private let docker: DockerPorts
    private let host: HostChain?

    init(
        _ policy: ResolvedPolicy, published: PublishedPorts, direct: DirectPorts, docker: DockerPorts, host: HostChain?
    ) {
        self.policy = policy
        self.published = published
        self.direct = direct
        self.docker = docker
        self.host = host
        sets = interfaceSets + portSets
        counters = ["loopback-refused", "not-syn-refused", unlistedCounter]
        if !guardedTransports.isEmpty { counters.append("untracked-refused") }
        chains = [
            forward, input, output, fromOutside, toThisMachine, publishedChain, toContainers, pushed, unlisted,
        ]
        if direct.comesBack { chains.append(Chain(name: Self.directName, rules: direct.lookups)) }
        if published.anyPortComesBack || !published.anyPort.isEmpty && !docker.chains.isEmpty {
            chains.append(Chain(name: Self.anyPortName, rules: published.anyPort))
        }
        chains += docker.chains
        if !published.untrackedLookups.isEmpty { chains.append(untracked) }
        if let host { chains.append(Chain(name: HostChain.name, rules: host.rules)) }
    }

    // MARK: Interfaces

    private static let containers = "containers"

    private var interfaceSets: [NamedSet] {
        let containers = NamedSet(interfaces: policy.interfaces.containers, name: Self.containers)
        switch policy.interfaces.external {
        case .auto:
            let loopback = try? InterfaceName("lo")
            let internalNames = policy.interfaces.containers + (loopback.map { [$0] } ?? [])
            return [containers, NamedSet(interfaces: internalNames, name: "internal")]
        case .listed(let names):
            return [containers, NamedSet(interfaces: names, name: "external")]
        }
    }

    private func isExternal(_ key: MetaKey) -> Statement {
        switch policy.interfaces.external {
        case .auto: .match(.meta(key), .notInSet("internal"))
        case .listed: .match(.meta(key), .inSet("external"))
        }
    }

    // MARK: Ports

    private func guardedPorts(_ transport: TransportProtocol) -> [ClosedRange<UInt16>] {
        (published.guarded[transport] ?? []) + (docker.guarded[transport] ?? []) + (host?.guarded[transport] ?? [])
    }

    private static func guardedName(_ transport: TransportProtocol) -> String { "guarded-\(transport)" }
    private static func limitedName(_ transport: TransportProtocol) -> String { "limited-\(transport)" }

    private var guardedTransports: [TransportProtocol] {
        TransportProtocol.allCases.filter { !guardedPorts($0).isEmpty }
    }

    /// Ports that a server may have: below those that Linux takes for a client (ip(7), ip_local_port_range), or named in the policy.
    private static let serverPorts: ClosedRange<UInt16> = 1...32767

    private var portSets: [NamedSet] {
        let servers = guardedPorts(.tcp) + (direct.ports[.tcp] ?? []) + [Self.serverPorts]
        var sets = [NamedSet(ports: servers, name: "server-ports")]
        for transport in TransportProtocol.allCases {
            let limited = policy.unlisted == .accept ? [] : published.limited[transport] ?? []
            sets.append(NamedSet(ports: guardedPorts(transport), name: Self.guardedName(transport)))
            sets.append(NamedSet(ports: limited, name: Self.limitedName(transport)))
        }
        return sets.filter { !$0.elements.isEmpty }
    }

    /// A port that a service names is not left to whatever answers on another address, or through another interface.
    static func elsewhere(_ policy: ResolvedPolicy, _ published: PublishedPorts) -> [Rule] {
        if policy.unlisted == .accept { return [] }
        return TransportProtocol.allCases.filter { published.limited[$0]?.isEmpty == false }.map { transport in
            Rule(
                [
                    .match(.meta(.l4proto), .equals(.l4proto(L4Protocol(transport)))),
                    .match(.conntrack(.originalServiceDestination), .inSet(limitedName(transport))),
                    .verdict(.goto(unlistedName)),
                ], comment: "named by a service, but not here")
        }
    }

    // MARK: Base chains

    private func base(_ hook: BaseChain.Hook, _ name: String, _ rules: [Rule]) -> Chain {
        Chain(name: name, base: BaseChain(hook: hook, priority: Compiler.priority, policy: .accept), rules: rules)
    }

    private static let isReply = Statement.match(.conntrack(.direction), .equals(.direction(.reply)))
    private static let isNew = Statement.match(.conntrack(.state), .anyOf(.state(.new)))
    private static let isPublished = Statement.match(.conntrack(.status), .anyOf(.status(.dnat)))
    private static let isUDP = Statement.match(.meta(.l4proto), .equals(.l4proto(.udp)))
    /// A segment that no connection begins with: conntrack would take it for a new one, the wrong way round.
    private static let isMidStream = Statement.match(
        .header(.tcpFlags), .flagsDiffer(from: .syn, mask: [.fin, .syn, .rst, .ack]))

    private static let foreseen = Rule(
        [.match(.conntrack(.status), .anyOf(.status(.expected))), .verdict(.accept)],
        comment: "connections that a conntrack helper foresaw, such as FTP's data")

    private static let replies: [Rule] = [
        Rule(
            [isReply, .match(.conntrack(.state), .anyOf(.state([.established, .related]))), .verdict(.accept)],
            comment: "replies"),
        relatedErrors(.icmp),
        relatedErrors(.icmpv6),
    ]

    private static func relatedErrors(_ l4proto: L4Protocol) -> Rule {
        Rule(
            [
                .match(.meta(.l4proto), .equals(.l4proto(l4proto))),
                .match(.conntrack(.state), .anyOf(.state(.related))), .verdict(.accept),
            ], comment: "errors about a connection, such as packet too big")
    }

    private func refuseMidStream(_ condition: [Statement]) -> Rule {
        Rule(
            condition + [Self.isMidStream, .counter(name: "not-syn-refused"), .verdict(.drop)],
            comment: "a cut connection does not come back from the server's side")
    }

    private var forward: Chain {
        let fromContainers = Statement.match(.meta(.iifname), .inSet(Self.containers))
        let fromServer = Statement.match(.header(.sourcePort(.tcp)), .inSet("server-ports"))
        return base(
            .forward, "forward",
            [
                Self.foreseen,
                Rule(
                    [Self.isUDP, Self.isReply, isExternal(.oifname), .verdict(.jump("pushed"))],
                    comment: "UDP to a client: may it still be one?"),
            ] + Self.replies + [
                refuseMidStream([Self.isNew, fromContainers, isExternal(.oifname), fromServer]),
                Rule([isExternal(.iifname), .verdict(.jump("from-outside"))]),
            ])
    }

    private var input: Chain {
        base(
            .input, "input",
            [Self.foreseen] + Self.replies + [Rule([isExternal(.iifname), .verdict(.jump("to-this-machine"))])])
    }

    private var output: Chain {
        var rules = [Self.foreseen]
        let toOutside = [Self.isUDP, Self.isReply, isExternal(.oifname)]
        rules.append(
            Rule(toOutside + [.verdict(.jump("published"))], comment: "UDP to a client: may it still be one?"))
        if !docker.isEmpty { rules.append(Rule(toOutside + [.verdict(.jump(DockerPorts.chainName))])) }
        if let lookup = host?.lookups.first(where: { $0.statements.first == Self.isUDP }) {
            rules.append(Rule([Self.isReply, isExternal(.oifname)] + lookup.statements))
        }
        if !guardedPorts(.tcp).isEmpty {
            let fromGuarded = Statement.match(.header(.sourcePort(.tcp)), .inSet(Self.guardedName(.tcp)))
            rules.append(refuseMidStream([Self.isNew, isExternal(.oifname), fromGuarded]))
        }
        return base(.output, "output", rules)
    }

    // MARK: From outside

    private var fromOutside: Chain {
        Chain(
            name: "from-outside",
            rules: [
                Rule([Self.isPublished, .verdict(.jump("published"))]),
                Rule([.match(.meta(.oifname), .inSet(Self.containers)), .verdict(.goto("to-containers"))]),
            ])
    }

    private var toThisMachine: Chain {
        let untracked = Statement.match(.conntrack(.state), .anyOf(.state([.invalid, .untracked])))
        let refuse: [Statement] = [.counter(name: "untracked-refused"), .verdict(.drop)]
        var rules = [Rule([.verdict(.jump("published"))])]
        if !published.untrackedLookups.isEmpty {
            rules.append(Rule([.isUntracked, .verdict(.jump(Self.untrackedName))]))
        }
        rules += guardedTransports.map { transport in
            let port = Statement.match(.header(.destinationPort(transport)), .inSet(Self.guardedName(transport)))
            return Rule([untracked, port] + refuse, comment: "no connection, so no telling who dialled what")
        }
        if !docker.isEmpty {
            rules.append(Rule([.verdict(.jump(DockerPorts.chainName))], comment: "docker-proxy's, and no service's"))
        }
        rules +=
            host == nil
            ? Self.elsewhere(policy, published) + docker.bySocket : [Rule([.verdict(.goto(HostChain.name))])]
        return Chain(name: "to-this-machine", rules: rules)
    }

    private static let untrackedName = "untracked"

    /// To be jumped to: a packet whose service is not reached through its interface comes back, and is refused with the others.
    private var untracked: Chain { Chain(name: Self.untrackedName, rules: published.untrackedLookups) }

    /// By what the client dialled, for DNAT and docker-proxy alike.
    private var publishedChain: Chain {
        Chain(
            name: "published",
            rules: [
                Rule(
                    [
                        .match(.conntrack(.originalIPv4Destination), .prefix4(127 << 24, length: 8)),
                        .counter(name: "loopback-refused"), .verdict(.drop),
                    ], comment: "dialled 127.0.0.0/8 from outside")
            ] + published.lookups)
    }

    private var unlistedCounter: String {
        switch policy.unlisted {
        case .drop, .reject: NftName.refused("unlisted")
        case .accept: NftName.allowed("unlisted")
        }
    }

    static let unlistedName = "unlisted"

    /// What no service covers and yet is published, or a container's address reached directly.
    private var unlisted: Chain {
        let counter = Statement.counter(name: unlistedCounter)
        let log = policy.log.refused ? [policy.log.rule("unlisted", when: [], origin: nil)] : []
        let verdict: Verdict =
            switch policy.unlisted {
            case .accept: .accept
            case .drop: .drop
            case .reject: .goto(RejectChain.name)
            }
        let rule = Rule([counter, .verdict(verdict)], comment: "unlisted: \(policy.unlisted.rawValue)")
        return Chain(name: Self.unlistedName, rules: (policy.unlisted == .accept ? [] : log) + [rule])
    }

    static let anyPortName = "any-port"
    private static let directName = "direct"

    /// To a container, by a port that no service names, or at its own address.
    private var toContainers: Chain {
        let anyPort = published.anyPort.map { rule in
            Rule([Self.isPublished] + rule.statements, comment: rule.comment, origin: rule.origin)
        }
        return Chain(
            name: "to-containers",
            rules: judged(direct.lookups, in: Self.directName, direct.comesBack)
                + judged(anyPort, in: Self.anyPortName, published.anyPortComesBack)
                + [Rule([.verdict(.goto(Self.unlistedName))])])
    }

    /// Rules of the chain `name`, or the jump to it. It takes a jump where a service may leave a client to what follows, since it
    /// is reached through other interfaces.
    private func judged(_ rules: [Rule], in name: String, _ comesBack: Bool) -> [Rule] {
        guard !rules.isEmpty else { return [] }
        let ofPublished = name == Self.anyPortName ? [Self.isPublished] : []
        return comesBack ? [Rule(ofPublished + [.verdict(.jump(name))])] : rules
    }

    /// From a container to a client over UDP: judged as what the client sends.
    private var pushed: Chain {
        let fromContainers = Rule([.match(.meta(.iifname), .inSet(Self.containers)), .verdict(.goto("to-containers"))])
        let isJudged = policy.unlisted != .accept || !direct.lookups.isEmpty
        return Chain(
            name: "pushed",
            rules: [Rule([Self.isPublished, .verdict(.jump("published"))])] + (isJudged ? [fromContainers] : []))
    }
}
