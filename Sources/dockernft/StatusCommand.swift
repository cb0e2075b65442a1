internal import Addressing
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
        let live = try LiveTable.read(KernelSession(kernel))
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
        let status = Status(live, ruleset)
        Console.print(output.json ? try status.json() : status.text)
        if status.integrity == .changed { throw ExitStatus.no }
    }
}

extension Status {
    fileprivate init(_ live: LiveTable, _ ruleset: LinearRuleset) {
        let digest = Compiler.digest(of: ruleset)
        // The table carries the digest of what was applied; what it is now has the same, or it was changed.
        let isIntact =
            live.isUntouched || live.oddities.isEmpty && digest == PolicyDigest.hexadecimal(of: ruleset)
        let chains = ruleset.chains.filter {
            $0.base == nil && ($0.name.hasPrefix("service") || $0.name.hasPrefix("host-"))
        }
        let services = chains.map { Self.service($0, live, ruleset) }
        let shown = Set(chains.flatMap { ["\($0.name)-allowed", "\($0.name)-refused"] })
        self.init(
            integrity: isIntact ? .intact : .changed, digest: digest.map { "sha256:\($0)" },
            policyPath: live.record?.policyPath,
            appliedAt: live.record.map {
                Date(timeIntervalSince1970: Double($0.appliedAt)).formatted(.iso8601)
            },
            services: services.sorted { $0.name < $1.name },
            others: live.counters.filter { !shown.contains($0.key) }
                .mapValues { Tally(packets: $0.packets, bytes: $0.bytes) },
            oddities: live.oddities)
    }

    private static func service(_ chain: LinearChain, _ live: LiveTable, _ ruleset: LinearRuleset) -> Service {
        var sources: [String] = []
        // A rule without a counter passes replies.
        for rule in chain.rules where rule.expressions.contains(.immediate(.accept)) && rule.isCounted {
            let named = rule.expressions.compactMap { expression -> NamedSet? in
                guard case .lookup(let name, _, inverted: false) = expression else { return nil }
                return ruleset.sets.first { $0.name == name && $0.key != [.interfaceName] }
            }
            let lists = named.map { "\($0.name)(\($0.elements.count))" }
            sources += lists.isEmpty ? [rule.comment.map { $0.sourceOfComment } ?? "?"] : lists
        }
        return Service(
            name: ChainName.services(chain.name), ports: ports(of: chain.name, ruleset), sources: sources,
            allowed: tally("\(chain.name)-allowed", live), refused: tally("\(chain.name)-refused", live))
    }

    private static func tally(_ name: String, _ live: LiveTable) -> Tally {
        Tally(packets: live.counters[name]?.packets ?? 0, bytes: live.counters[name]?.bytes ?? 0)
    }

    /// The keys of the maps that lead to the chain.
    private static func ports(of chain: String, _ ruleset: LinearRuleset) -> [String] {
        var ports: [String] = []
        for set in ruleset.sets where set.isMap {
            guard case .keyed(let elements) = set.elements else { continue }
            let transport = set.name.split(separator: "-").first { ["tcp", "udp", "sctp"].contains($0) }
            for element in elements where element.verdict == .goto(chain) {
                let key = element.key.map(\.shortText).joined(separator: ":")
                ports.append(transport.map { "\(key)/\($0)" } ?? key)
            }
        }
        return ports
    }
}

extension LinearRule {
    fileprivate var isCounted: Bool {
        expressions.contains { if case .objectReference(.counter, _) = $0 { true } else { false } }
    }
}

extension KeyField {
    fileprivate var shortText: String {
        switch self {
        case .ipv4(let range): range.lowerBound.text
        case .ipv6(let range): "[\(range.lowerBound.text)]"
        case .service(let range): range.text
        case .proto(let number): String(number)
        case .interface(let name): name.description
        }
    }
}

extension String {
    /// `django: 203.0.113.0/24 may enter` is about 203.0.113.0/24.
    fileprivate var sourceOfComment: String {
        let words = split(separator: " ")
        return words.count >= 3 ? words.dropFirst().dropLast(2).joined(separator: " ") : self
    }
}
