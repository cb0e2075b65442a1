internal import Addressing
internal import Policy

extension AuditReport {
    /// Looks at all of it. Nothing is read and nothing is asked.
    public init(_ subject: Subject) {
        var survey = Survey(subject)
        let entrances = survey.entrances()
        var findings = Setup(subject).findings
        findings += entrances.compactMap { Finding($0, hasPolicy: subject.policy != nil) }
        // A stable sort, worst first: equal ones stay in the order of doors.
        let ordered = findings.enumerated().sorted {
            ($0.element.severity, $0.offset) < ($1.element.severity, $1.offset)
        }
        self.init(
            findings: ordered.map(\.element), entrances: entrances, hasPolicy: subject.policy != nil,
            knowsContainers: subject.inventory != nil)
    }
}

extension Finding {
    /// Nil where the door is as the policy says.
    fileprivate init?(_ entrance: Entrance, hasPolicy: Bool) {
        let door = entrance.door
        let isAllowed = hasPolicy ? "whom the policy does not allow" : "as no policy says who may"
        switch entrance.verdict {
        case .openToAnyone, .openTooWide:
            let who = entrance.verdict == .openToAnyone ? "anyone reaches" : "some reach"
            self.init(
                door.path.code, entrance.verdict == .openToAnyone ? .openToAnyone : .openTooWide,
                "\(who) \(door.text), \(isAllowed)", why: door.path.why,
                help: door.path.help(door, hasPolicy: hasPolicy),
                sources: entrance.excess)
        case .unknown:
            self.init(
                .answerUnknown, .unknown,
                "who reaches \(door.text) could not be found out: \(entrance.reasons.first ?? "a rule cannot be followed")",
                why: "A rule that dockernft cannot follow decides about it, so that it may be open.",
                help: "try it from outside, or replace the rule by one that asks for addresses, ports and interfaces",
                sources: entrance.excess)
        case .closedToAllowed:
            self.init(
                .allowedButClosed, .closedToAllowed,
                "the policy allows some to \(door.text) whom \(entrance.reasons.first ?? "another rule") stops",
                why: "A drop in another table is final: an accept of ours does not undo it.",
                help: "change that rule, or take the source off the policy", sources: entrance.missing)
        case .asAllowed, .closed: return nil
        }
    }
}

extension Door {
    /// `8081/tcp of web, by docker-proxy`
    public var text: String {
        let port = port.map { "\($0)/\(transport)" } ?? "any other \(transport) port"
        return "\(port) of \(target) \(path.words)"
    }
}

extension Path {
    public var words: String {
        switch self {
        case .dnat4: "by DNAT over IPv4"
        case .dnat6: "by DNAT over IPv6"
        case .proxy: "by docker-proxy"
        case .direct: "at the container's own address"
        case .loopback: "by dialling 127.0.0.1 from outside"
        case .macvlan: "on the parent interface's network"
        case .swarm: "by the swarm's routing mesh"
        case .host: "on the host's network"
        }
    }

    fileprivate var code: FindingCode {
        switch self {
        case .dnat4, .dnat6: .openByDNAT
        case .proxy: .openByProxy
        case .direct: .openByDirectRoute
        case .loopback: .openByLoopback
        case .macvlan: .openByMacvlan
        case .swarm: .openBySwarm
        case .host: .openOnHostNetwork
        }
    }

    fileprivate var why: String {
        switch self {
        case .dnat4, .dnat6:
            "Docker forwards a published port before the rules of INPUT, those of ufw and the like, see it."
        case .proxy:
            "docker-proxy takes the connection on the host itself, past DOCKER-USER and all rules about forwarding."
        case .direct:
            "Whoever can route to the bridge's subnet, a neighbour on the same network for one, needs no published port."
        case .loopback:
            "NAT comes before the routing could refuse 127.0.0.1: a neighbour reaches what seems to be local."
        case .macvlan:
            "Packets to a macvlan's or ipvlan's container never meet the host's rules, but for those of ingress."
        case .swarm: "Every node of the swarm answers on the port, whichever node runs the service."
        case .host: "A container on the host's network listens on the host itself; no rule of Docker's is about it."
        }
    }

    fileprivate func help(_ door: Door, hasPolicy: Bool) -> String {
        let port = door.port.map { "\($0)/\(door.transport)" } ?? "PORT"
        if !hasPolicy {
            return "write a policy with a service `publish: \(port)` and its `allow`, then dockernft apply"
        }
        return switch self {
        case .dnat4, .dnat6, .proxy, .swarm:
            "dockernft apply; if it stays so, add a service with `publish: \(port)` and whom it may `allow`"
        case .direct: "dockernft apply; let the bridge be among `interfaces: containers`"
        case .loopback: "dockernft apply: it refuses what is dialled at 127.0.0.0/8 from outside"
        case .macvlan: "dockernft apply with a policy that names the container, or filter on the network itself"
        case .host: "add a service with `publish: \(port)`, or `host: otherwise: drop`, and apply"
        }
    }
}
