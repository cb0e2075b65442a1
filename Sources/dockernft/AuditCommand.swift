internal import ArgumentParser
internal import Audit
internal import Compiler
internal import Confirmation
internal import Console
internal import Docker
internal import Files
internal import HostRules
internal import NftablesKernel
internal import Policy
internal import Presentation
internal import Reachability
internal import State

struct AuditHost: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "audit",
        abstract: "Say who reaches every published port, container and listener now, by every path, worst first.",
        discussion: """
            Exit status 0: nobody whom the policy does not allow; 1: somebody; 2: of some it could not be found out. \
            Without a policy everything that is open is said.
            """)

    @Argument(
        help: ArgumentHelp(
            "What is allowed: the policy applied last, or \(PolicyArgument.standardPath), where none is named.",
            valueName: "policy"),
        completion: .file(extensions: ["yaml", "yml"]))
    var policyPath: String?

    @Flag(help: "Also show the doors that are closed.")
    var all = false

    @OptionGroup var docker: DockerOptions
    @OptionGroup var kernel: KernelOptions
    @OptionGroup var output: OutputOptions
    @OptionGroup var diagnostics: DiagnosticOptions

    mutating func run() throws {
        let session = try KernelSession(kernel)
        let live = try LiveTable.read(session)
        let inventory = try seen()
        let path = policyPath ?? session.likelyPolicyPath
        let policy = try path.map { try allowed(by: $0, inventory) }
        let report = AuditReport(
            try session.subject(inventory: inventory, policy: policy, table: live.condition))
        try Console.print(
            output.json
                ? try AuditJSON.render(report, policyPath: path)
                : AuditText(report, doors: all ? .all : .reachable).text)
        switch report.result {
        case .nothingOpen: break
        case .open: throw ExitStatus.no
        case .unknown: throw ExitStatus.trouble
        }
    }

    /// Nil where there is no Docker to ask.
    private func seen() throws -> Inventory? {
        switch docker.look() {
        case .seen(let inventory): return inventory
        case .notAsked:
            Console.report("Docker is not asked: published ports and containers are not in this audit")
        case .absent(let path):
            Console.report("there is no Docker at \(path): published ports and containers are not in this audit")
        case .unreachable(let error, _):
            Console.report("dockernft: \(error)")
            throw ExitStatus.trouble
        }
        return nil
    }

    private func allowed(by path: String, _ inventory: Inventory?) throws -> ResolvedPolicy {
        let loaded = PolicyFile.load(path)
        let file = PolicyFile(
            path: path,
            loaded: inventory.map { loaded.loaded.resolved(against: $0) } ?? loaded.loaded.resolvedWithoutDocker)
        file.report(diagnostics)
        guard let policy = file.policy else { throw file.status }
        return policy
    }
}

extension LiveTable {
    var condition: TableCondition {
        guard let ruleset else { return .absent }
        if isForeign { return .foreign }
        if let waiting, waiting.inForce == nil { return .absent }
        if isDormant { return .dormant }
        return isIntact(ruleset) ? .asApplied : .changed
    }
}
