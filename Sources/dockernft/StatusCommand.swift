internal import ArgumentParser
internal import Compiler
internal import Console
internal import FoundationEssentials
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
                Console.print(#"{"version": 1, "integrity": "absent"}"#)
            } else {
                Console.print("not in force: the kernel has no table inet \(Compiler.tableName)")
            }
            throw ExitStatus.no
        }
        if live.isForeign {
            Console.report(Apply.foreignTable)
            throw ExitStatus.no
        }
        var status = Status(
            live, ruleset, proxy: DockerProxyInForce.find(in: ruleset, session),
            wires: try WireInForce.all(in: ruleset, session))
        status.watcher = session.watcher
        Console.print(output.json ? try status.json() : status.text)
        if status.integrity == .changed { throw ExitStatus.no }
    }
}

extension Status {
    fileprivate init(_ live: LiveTable, _ ruleset: LinearRuleset, proxy: DockerProxy, wires: [Wire]) {
        let digest = Compiler.digest(of: ruleset)
        // The table carries the digest of what was applied; what it is now has the same, or it was changed.
        let isIntact =
            live.isUntouched || live.oddities.isEmpty && digest == PolicyDigest.hexadecimal(of: ruleset)
        let services = ServiceInForce.all(in: ruleset, counters: Set(live.counters.keys))
        let shown = Set(services.flatMap { [$0.allowedCounter, $0.refusedCounter] })
        self.init(
            integrity: isIntact ? .intact : .changed, digest: digest.map { "sha256:\($0)" },
            policyPath: live.record?.policyPath,
            appliedAt: live.record.map {
                Date(timeIntervalSince1970: Double($0.appliedAt)).formatted(.iso8601)
            },
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
    }

    private static func tally(_ name: String, _ live: LiveTable) -> Tally {
        Tally(packets: live.counters[name]?.packets ?? 0, bytes: live.counters[name]?.bytes ?? 0)
    }
}
