internal import ArgumentParser
internal import Compiler
internal import Confirmation
internal import Console
internal import Nftables
internal import NftablesKernel
internal import Presentation
internal import State

struct ShowStatus: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract:
            "Show what is in force: services, sources, what was allowed and refused, and whether it is as applied.",
        discussion: "Exit status 0: in force as applied, 1: not in force, or changed by somebody.")

    @OptionGroup var kernel: KernelOptions
    @OptionGroup var output: OutputOptions
    @OptionGroup var colour: ColourOptions

    mutating func run() throws {
        let session = try KernelSession(kernel)
        let live = try LiveTable.read(session)
        guard let ruleset = live.ruleset else {
            if output.json {
                try Console.print(#"{"version": 1, "integrity": "absent"}"#)
            } else {
                try Console.print("not in force: the kernel has no table inet \(Compiler.tableName)")
            }
            throw ExitStatus.no
        }
        if live.isForeign {
            Console.report(Apply.foreignTable)
            throw ExitStatus.no
        }
        if let waiting = live.waiting, waiting.isExpired, waiting.plain == nil {
            try Console.print(
                output.json
                    ? #"{"version": 1, "integrity": "absent"}"#
                    : "not in force: nobody confirmed the first policy in time, and the kernel has taken it back; "
                        + "what is left of it goes with the next apply, confirm, rollback or remove")
            throw ExitStatus.no
        }
        // What the table is made of while a policy waits is for nobody to read.
        let inForce = live.waiting.map { $0.inForce ?? LinearRuleset(table: ruleset.table) } ?? ruleset
        var status = Status(
            live, ruleset, inForce, proxy: DockerProxyInForce.find(in: inForce, session),
            wires: try WireInForce.all(in: inForce, session))
        status.watcher = session.watcher
        try Console.print(output.json ? try status.json() : status.text)
        if status.integrity == .changed { throw ExitStatus.no }
    }
}

extension Status {
    fileprivate init(
        _ live: LiveTable, _ whole: LinearRuleset, _ ruleset: LinearRuleset, proxy: DockerProxy, wires: [Wire]
    ) {
        let digest = Compiler.digest(of: ruleset)
        let source = AppliedRecord.Waiting(live)
        let services = ServiceInForce.all(in: ruleset, counters: Set(live.counters.keys))
        let shown = Set(services.flatMap { [$0.allowedCounter, $0.refusedCounter] })
        self.init(
            integrity: live.isIntact(whole) ? .intact : .changed, digest: digest.map { "sha256:\($0)" },
            policyPath: source?.policyPath, appliedAt: source.map { TimeText.moment($0.appliedAt) },
            dockerProxy: proxy,
            onTheWire: wires,
            services: services.map { service in
                Service(
                    name: ChainName.services(service.chain), ports: service.ports, sources: service.sources,
                    allowed: Self.tally(service.allowedCounter, live), refused: Self.tally(service.refusedCounter, live)
                )
            }.sorted { $0.name < $1.name },
            others: live.counters.filter { !shown.contains($0.key) }
                .mapValues { Tally(packets: $0.packets, bytes: $0.bytes) },
            oddities: live.oddities)
        waiting = live.waiting.map { Waiting($0, live.record?.waiting) }
    }

    private static func tally(_ name: String, _ live: LiveTable) -> Tally {
        Tally(packets: live.counters[name]?.packets ?? 0, bytes: live.counters[name]?.bytes ?? 0)
    }
}

extension Status.Waiting {
    fileprivate init(_ waiting: WaitingTable, _ source: AppliedRecord.Waiting?) {
        self.init(
            digest: Compiler.digest(of: waiting.next).map { "sha256:\($0)" }, policyPath: source?.policyPath,
            remaining: waiting.remaining.map { (seconds: ($0 + 999) / 1000, words: TimeText.duration($0)) },
            hadTable: waiting.plain != nil)
    }
}

extension AppliedRecord.Waiting {
    /// Of the rules that are in force.
    fileprivate init?(_ live: LiveTable) {
        guard let record = live.record else { return nil }
        if let waiting = live.waiting, !waiting.isExpired {
            guard let source = record.waiting else { return nil }
            self = source
        } else {
            guard !record.policyPath.isEmpty else { return nil }
            self.init(policyPath: record.policyPath, appliedAt: record.appliedAt)
        }
    }
}
