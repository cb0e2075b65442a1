internal import Addressing
internal import Docker
internal import HostRules
internal import Policy
internal import Reachability

/// What is wrong with how the host is set up, whoever gets in at the moment.
struct Setup {
    let subject: Subject
    private let tables: [HostTable]

    init(_ subject: Subject) {
        self.subject = subject
        tables = subject.rules.tables
    }

    var findings: [Finding] { table + dockerUser + files + unit + strangers + swarm + api }

    private var table: [Finding] {
        guard subject.policy != nil else { return [] }
        switch subject.table {
        case .asApplied: return []
        case .absent:
            return [
                Finding(
                    .tableAbsent, .hygiene, "the kernel has no table inet dockernft: no policy is in force",
                    why: "Somebody flushed the ruleset, or it was never applied.", help: "dockernft apply")
            ]
        case .changed:
            return [
                Finding(
                    .tableChanged, .hygiene, "somebody has changed table inet dockernft since it was applied",
                    why: "What is in force is not what the policy says.",
                    help: "dockernft diff --rules shows what; dockernft apply puts it right")
            ]
        case .foreign:
            return [
                Finding(
                    .tableForeign, .hygiene, "a table inet dockernft is there that dockernft did not make",
                    why: "It is not touched, and so the policy is not applied.",
                    help: "remove it if nobody needs it: nft delete table inet dockernft")
            ]
        case .dormant:
            return [
                Finding(
                    .tableDormant, .hygiene, "table inet dockernft is switched off (dormant)",
                    why: "None of its rules is in force.", help: "dockernft apply")
            ]
        }
    }

    // MARK: DOCKER-USER

    private var dockerUser: [Finding] {
        let isNative = tables.contains { $0.name == "docker-bridges" && ($0.family == .ip || $0.family == .ip6) }
        return tables.filter { $0.name == "filter" && ($0.family == .ip || $0.family == .ip6) }.flatMap { table in
            guard let user = table.chains.first(where: { $0.name == "DOCKER-USER" }), user.hasOwnRules else {
                return [Finding]()
            }
            let label = "\(table.family.word) filter"
            if isNative {
                return [
                    Finding(
                        .dockerUserDead, .hygiene,
                        "the rules of DOCKER-USER in \(label) are dead: Docker uses nftables itself",
                        why: "Docker's nftables backend has no DOCKER-USER; nothing leads a container's packets there.",
                        help: "say the same in a policy, and dockernft apply")
                ]
            }
            guard !table.reaches("DOCKER-USER", from: .forward) else { return [] }
            return [
                Finding(
                    .dockerUserNoJump, .hygiene, "DOCKER-USER in \(label) has rules, and nothing jumps to it",
                    why: "Its rules see no packet until Docker is restarted and puts the jump back.",
                    help: "iptables -I FORWARD -j DOCKER-USER, or a policy in its place")
            ]
        }
    }

    // MARK: Files and units

    private var files: [Finding] {
        subject.installation.rulesetFiles.compactMap { file in
            guard let line = file.line(of: ["flush", "ruleset"]) else { return nil }
            return Finding(
                .flushRuleset, .hygiene, "\(file.path):\(line) flushes the whole ruleset",
                why:
                    "Whenever nftables.service starts or reloads, our table and Docker's rules are gone until they are made again.",
                help: "write `destroy table inet NAME` for your own tables in its place")
        }
    }

    private var unit: [Finding] {
        switch subject.installation.unit {
        case .noSystemd: []
        case .missing:
            [
                Finding(
                    .unitMissing, .hygiene, "systemd has no dockernft.service",
                    why: "After a reboot Docker starts its containers with no policy in force.",
                    help: "install the unit, then systemctl enable dockernft")
            ]
        case .disabled:
            [
                Finding(
                    .unitDisabled, .hygiene, "dockernft.service is not enabled",
                    why: "After a reboot Docker starts its containers with no policy in force.",
                    help: "systemctl enable dockernft")
            ]
        case .enabled(let file):
            file.isBeforeDocker
                ? []
                : [
                    Finding(
                        .unitAfterDocker, .hygiene, "\(file.path) is not ordered before docker.service",
                        why: "Containers that Docker starts at boot are open until it has run.",
                        help: "write Before=docker.service into its [Unit]")
                ]
        }
    }

    // MARK: Other rules

    private var strangers: [Finding] {
        var findings: [Finding] = []
        if !subject.installation.legacyTables.isEmpty {
            findings.append(
                Finding(
                    .legacyIptables, .unknown,
                    "there are rules of iptables-legacy (\(subject.installation.legacyTables.joined(separator: ", "))), which nftables does not show",
                    why: "They may drop, or translate, what the other rules let through: no answer here is certain.",
                    help:
                        "use iptables-nft alone: update-alternatives --set iptables /usr/sbin/iptables-nft, and restart Docker"
                ))
        }
        for table in tables where !table.flowtables.isEmpty {
            findings.append(
                Finding(
                    .flowtable, .hygiene,
                    "table \(table.family.word) \(table.name) has a flowtable (\(table.flowtables.joined(separator: ", ")))",
                    why: "Connections in it skip the forward hook: one that is revoked goes on until it ends.",
                    help: "leave connections to containers out of it"))
        }
        for table in tables where table.family == .bridge && table.chains.contains(where: { $0.base != nil }) {
            findings.append(
                Finding(
                    .bridgeRules, .hygiene, "table bridge \(table.name) filters frames, and is not judged here",
                    why:
                        "It sees frames between a bridge and its containers: what is said to be open may be closed by it.",
                    help: "try such a port from outside"))
        }
        return findings
    }

    // MARK: What listens beside containers

    private var swarm: [Finding] {
        guard subject.inventory?.isInSwarm == true else { return [] }
        let open = reached(.udp, 4789)
        guard !open.isEmpty else { return [] }
        return [
            Finding(
                .vxlanOpen, open.isEveryone(of: .ipv4) ? .openToAnyone : .hygiene,
                "4789/udp, the VXLAN of the swarm, takes packets from \(open.isEveryone(of: .ipv4) ? "anyone" : "some outside")",
                why: "Whoever sends to it puts frames into overlay networks, straight to containers.",
                help:
                    "let only the other nodes in: `host: services: {vxlan: {port: 4789/udp, allow: [NODES]}}` with `otherwise: drop`",
                sources: open)
        ]
    }

    private var api: [Finding] {
        let listens = subject.listeners.contains {
            $0.transport == .tcp && $0.port == 2375 && !$0.address.isLoopback && $0.processes.contains("dockerd")
        }
        let open = listens ? reached(.tcp, 2375) : AddressSet()
        guard !open.isEmpty else { return [] }
        return [
            Finding(
                .dockerAPIOpen, .openToAnyone, "Docker's API is open on 2375/tcp without a password",
                why: "Whoever reaches it is root on this machine.",
                help: "remove -H tcp:// from dockerd, or use TLS (--tlsverify)",
                sources: open)
        ]
    }

    /// Of IPv4, by any interface that is no container's.
    private func reached(_ transport: TransportProtocol, _ port: UInt16) -> AddressSet {
        var reachability = Reachability(subject.rules, topology: subject.topology, listeners: subject.listeners)
        let external = ExternalInterfaces(subject.policy)
        var open = AddressSet()
        for link in subject.topology.links where external.contains(link.name) {
            let bridges = subject.inventory?.networks.compactMap { $0.bridge?.description } ?? []
            if bridges.contains(link.name) { continue }
            for address in link.addresses where address.family == .ipv4 && !address.isLoopback {
                open.formUnion(
                    reachability.answer(
                        Approach(interface: link.name, transport: transport, address: address, port: port)
                    ).open)
            }
        }
        return open
    }
}

extension HostChain {
    /// Docker puts a lone `return` there itself.
    fileprivate var hasOwnRules: Bool {
        rules.contains { rule in
            !rule.instructions.allSatisfy { instruction in
                if case .noEffect = instruction { return true }
                return instruction == .verdict(.return)
            }
        }
    }
}

extension HostTable {
    fileprivate func reaches(_ name: String, from hook: HostChain.Base.Hook) -> Bool {
        var known = Set(chains.filter { $0.base?.hook == hook }.map(\.name))
        var waiting = Array(known)
        while let next = waiting.popLast() {
            let targets = chains.first { $0.name == next }?.rules.flatMap(\.instructions).flatMap(targets) ?? []
            for target in targets where known.insert(target).inserted { waiting.append(target) }
        }
        return known.contains(name)
    }

    private func targets(_ instruction: Instruction) -> [String] {
        switch instruction {
        case .verdict(.jump(let name)), .verdict(.goto(let name)): [name]
        case .lookupVerdict(let map, _):
            sets.first { $0.name == map }?.elements.compactMap { element in
                switch element.verdict {
                case .jump(let name), .goto(let name): name
                case .accept, .drop, .return, .queue, nil: nil
                }
            } ?? []
        case .verdict, .loadMeta, .loadConntrack, .loadPayload, .loadFIB, .loadControlGroup, .loadImmediate, .compare,
            .range, .bitwise,
            .byteorder, .lookup, .lookupValue, .destinationNAT, .redirect, .sourceNAT, .reject, .notrack, .limit,
            .noEffect, .xtables, .xtablesTarget, .unknown:
            []
        }
    }
}

extension Installation.File {
    /// Of the first line that has these words, comments left out.
    fileprivate func line(of words: [Substring]) -> Int? {
        for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            let code = line.prefix { $0 != "#" }
            for statement in code.split(separator: ";") where statement.split(whereSeparator: \.isWhitespace) == words {
                return index + 1
            }
        }
        return nil
    }

    fileprivate var isBeforeDocker: Bool {
        text.split(separator: "\n").contains { line in
            let parts = line.split(separator: "=", maxSplits: 1)
            return parts.first?.trimmed == "Before" && parts.count == 2
                && parts[1].split(whereSeparator: \.isWhitespace).contains("docker.service")
        }
    }
}

extension Substring {
    fileprivate var trimmed: Substring {
        var text = self
        while text.last?.isWhitespace == true { text.removeLast() }
        while text.first?.isWhitespace == true { text.removeFirst() }
        return text
    }
}
