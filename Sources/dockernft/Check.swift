internal import ArgumentParser
internal import Console
internal import Diagnostics
internal import DockerSocket
internal import Nftables
internal import Policy
internal import Presentation

struct Check: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Say whether a policy is right. Needs no privilege, no Docker and no kernel.")

    @OptionGroup var policy: PolicyArgument
    @OptionGroup var output: OutputOptions
    @OptionGroup var diagnostics: DiagnosticOptions

    @Option(
        help: ArgumentHelp(
            "Also ask this engine what the policy names by its containers.", valueName: "auto|none|socket"),
        transform: DockerChoice.argument)
    var docker: DockerChoice?

    mutating func run() throws {
        var loaded = PolicyFile.load(policy.path)
        if let docker, loaded.policy != nil { loaded = try loaded.resolved(docker.look().withoutProxyGroup) }
        let target = try loaded.policy.map { try PolicyTarget(path: policy.path, policy: $0, on: nil) }
        if let target { loaded = loaded.tested(target) }
        if output.json {
            try Console.write(Array(loaded.json.utf8))
            guard loaded.policy != nil else { throw loaded.status }
            return
        }
        loaded.report(diagnostics)
        guard let target, let resolved = loaded.policy else { throw loaded.status }
        for line in target.uncovered { Console.report("dockernft: note: \(line)") }
        let names = resolved.selecting.filter { $0.selected.isEmpty && $0.direct.isEmpty }.count
        if docker == nil, names > 0 {
            Console.report(
                "dockernft: note: of \(names) service\(names == 1 ? "" : "s") only Docker knows the ports, and it was not asked; --docker auto asks it"
            )
        }
        let services = resolved.services.count + (resolved.host?.services.count ?? 0)
        try Console.print(
            "\(policy.path) is right: \(services) service\(services == 1 ? "" : "s"), \(target.ruleset.sets.count) sets and maps, "
                + "\(target.ruleset.chains.reduce(0) { $0 + $1.rules.count }) rules" + expectations(loaded))
    }

    /// Of a policy that is right, those that could not be tested are all that does not hold.
    private func expectations(_ loaded: PolicyFile) -> String {
        let all = loaded.policy?.expectations.count ?? 0
        let untested = loaded.loaded.diagnostics.count { $0.code == .expectationUntested }
        if all == 0 { return "" }
        if all == 1 { return untested == 0 ? ", its expectation holds" : ", its expectation could not be tested" }
        return untested == 0 ? ", all \(all) expectations hold" : ", \(all - untested) of \(all) expectations hold"
    }
}
