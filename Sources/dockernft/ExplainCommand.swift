internal import Addressing
internal import ArgumentParser
internal import Console
internal import Diagnostics
internal import Docker
internal import Nftables
internal import Policy
internal import Presentation
internal import Questions

struct Explain: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Say whether a client would reach a port, a service or a container, and what decides it.",
        discussion: """
            FROM is an address, a CIDR, a range, a group or `anyone`, or several with commas between them. TO is PORT[/PROTOCOL], \
            ADDRESS:PORT[/PROTOCOL], host:PORT[/PROTOCOL] for the machine itself, a service, or a container where Docker can be \
            asked. Answered by the policy; needs no privilege. Exit status 0: it would, all of it and by every way; 1: it \
            would not, or only in part; 2: it could not be found out.
            """)

    @Argument(help: ArgumentHelp("Who comes.", valueName: "from"))
    var from: String

    @Argument(help: ArgumentHelp("What is dialled.", valueName: "to"))
    var to: String

    @Option(
        name: .customLong("policy"), help: ArgumentHelp("The policy file.", valueName: "policy"),
        completion: .file(extensions: ["yaml", "yml"]))
    var path: String?

    @Option(
        name: .customLong("in"),
        help: ArgumentHelp(
            "By which interface it comes in; every external one where none is named.", valueName: "interface"))
    var interface: String?

    @Flag(help: "Answer by the rules that are in force on this host, whoever made them. Needs root.")
    var live = false

    @Flag(help: "Also show the rules that did not match on the way.")
    var trace = false

    @OptionGroup var docker: DockerOptions
    @OptionGroup var kernel: KernelOptions
    @OptionGroup var output: OutputOptions
    @OptionGroup var diagnostics: DiagnosticOptions

    /// FROM -> TO, as a policy's `expect` has it: the parser would take the arrow for an option.
    static func withoutArrow(_ arguments: [String]) -> [String] {
        arguments.first == "explain" ? arguments.filter { $0 != "->" } : arguments
    }

    mutating func validate() throws {
        guard let interface else { return }
        do throws(InterfaceName.TextError) {
            if try InterfaceName(interface).isWildcard { throw InterfaceName.TextError.starNotLast }
        } catch {
            throw ValidationError("'\(interface)' is not the name of an interface: give one such as eth0")
        }
    }

    mutating func run() throws {
        if live { return try runLive() }
        let path = path ?? PolicyArgument.standardPath
        let file = try resolved(PolicyFile.read(path, diagnostics))
        guard let policy = file.policy else {
            file.report(diagnostics)
            throw file.status
        }
        let question = try question(policy)
        let target = try PolicyTarget(path: path, policy: policy, on: nil)
        var inquiry = Inquiry(
            policy: policy, ruleset: target.ruleset, linear: target.linear, interface: interface)
        let explanation = inquiry.explain(question)
        try Console.print(
            output.json
                ? try ExplanationJSON.render(explanation)
                : ExplanationText(explanation, sources: file.loaded.sources, steps: trace ? .all : .deciding).text)
        switch explanation.verdict {
        case .allowed: break
        case .refused, .differs: throw ExitStatus.no
        case .unknown: throw ExitStatus.trouble
        }
    }

    /// A question that nobody can read is wrong usage, so that no script takes it for a refusal.
    func question(_ policy: ResolvedPolicy) throws -> Question {
        let reading = policy.question(from: from, to: to)
        guard let question = reading.question else {
            let texts = LoadedPolicy(policy: nil, diagnostics: reading.diagnostics, sources: reading.sources)
            PolicyFile(path: "", loaded: texts).report(diagnostics)
            throw ExitCode(64)
        }
        return question
    }

    /// With what Docker runs, where it can be asked. Without it, whatever depends on it is not known.
    private func resolved(_ file: PolicyFile) throws -> PolicyFile {
        switch docker.look().withoutProxyGroup {
        case .seen(let inventory): return file.resolved(against: inventory)
        case .notAsked, .absent: break
        case .unreachable(let error, let isDemanded):
            Console.report("dockernft: \(isDemanded ? "" : "note: ")\(error)")
            if isDemanded { throw ExitStatus.trouble }
        }
        return file
    }
}
