internal import ArgumentParser
internal import Console
internal import NftablesKernel
internal import Presentation
internal import Rehearsal
internal import Verification

struct Verify: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract:
            "Rehearse a policy with real packets on a host in miniature. Needs no privilege; nothing of this host is touched.",
        discussion: """
            A network namespace of its own gets the policy's interfaces, addresses and bridges, rules such as Docker has, \
            and the policy's own rules by the way of apply. What each packet is to meet is read from the policy and not from the \
            rules. Another one gets Docker's rules as they are on this host, where they can be read, or as they were recorded on one. \
            Exit status 0: each met what the policy says; 1: one did not; 2: it could not be tried.
            """)

    @OptionGroup var policy: PolicyArgument
    @OptionGroup var output: OutputOptions
    @OptionGroup var docker: DockerOptions
    @OptionGroup var diagnostics: DiagnosticOptions

    @Option(help: ArgumentHelp("At most so many packets, evenly among all that there are.", valueName: "number"))
    var limit = Verifier.standardLimit

    @Option(
        name: .customLong("namespace"),
        help: ArgumentHelp(
            "Docker's rules are those of this network namespace: a name of ip-netns(8), or a file.",
            valueName: "name|path"))
    var namespaceName: String?

    @Option(
        help: ArgumentHelp(
            "Try nothing: write to this file what is needed of this host to try policies elsewhere.", valueName: "file"),
        completion: .file())
    var record: String?

    @Option(
        help: ArgumentHelp(
            "Docker's rules, and what it runs, are as --record wrote them to this file.", valueName: "file"),
        completion: .file())
    var recorded: String?

    mutating func validate() throws {
        if limit < 1 { throw ValidationError("--limit is at least 1") }
        if record != nil, recorded != nil { throw ValidationError("--record and --recorded exclude each other") }
        if recorded != nil, namespaceName != nil {
            throw ValidationError("--recorded and --namespace exclude each other: Docker's rules come from one of them")
        }
    }

    mutating func run() throws {
        if let record { return try DockersPart.write(record, docker, namespacePath) }
        // Before anything else: the kernel lets no process with several threads into a user namespace, and one that is in it has no right
        // to read the host's rules any more.
        let early = namespaceName == nil && recorded == nil ? DockersPart.look(docker, nil) : nil
        do throws(StageError) { try UserNamespace.enter() } catch { throw Self.untriable("\(error)") }
        let file = try PolicyFile.read(policy.path, diagnostics)
        let part: DockersPart
        if let recorded {
            part = try DockersPart(recordedIn: recorded)
        } else {
            part = try DockersPart(docker, early ?? DockersPart.look(docker, namespacePath), isDemanded: early == nil)
        }
        let target = try file.target(part.sighting.withoutProxyGroup, diagnostics)
        let (verification, rules) = try tried(target, part)
        try Console.print(
            output.json
                ? try VerificationJSON.render(verification, rules, policyPath: policy.path)
                : VerificationText(verification, rules).text)
        if !verification.isKept { throw ExitStatus.no }
    }

    private func tried(_ target: PolicyTarget, _ part: DockersPart) throws -> (Verification, DockerRules) {
        do throws(Verifier.Failure) {
            do throws(Verifier.Failure) {
                return (try Self.verify(target, part.engine, atMost: limit), part.rules)
            } catch {
                // The host may have rules in these tables that need what a namespace of our own has not: an ipset, say.
                guard case .hostRules(let refusal) = error, case .ofHost = part.rules else { throw error }
                let reason = "the tables of this host could not be made again: \(refusal)"
                return (try Self.verify(target, nil, atMost: limit), .own(because: reason))
            }
        } catch {
            throw Self.untriable(error.words)
        }
    }

    private var namespacePath: String? { namespaceName.map(KernelOptions.path(ofNamespace:)) }

    private static func verify(
        _ target: PolicyTarget, _ engine: EngineRules?, atMost limit: Int
    ) throws(Verifier.Failure) -> Verification {
        let verifier = Verifier(target.policy, ruleset: target.linear, engine: engine, atMost: limit)
        let bar = ProgressBar(of: verifier.count)
        defer { bar.clear() }
        return try verifier.verify { bar.show($0) }
    }

    private static func untriable(_ why: String) -> ExitStatus {
        Console.report("dockernft: the policy could not be tried: \(why)")
        return .trouble
    }
}

extension Verifier.Failure {
    fileprivate var words: String {
        switch self {
        case .stage(let error): "\(error)"
        case .rules(let error): "\(error)"
        case .hostRules(let error): "Docker's tables could not be made again: \(error)"
        }
    }
}

/// How far it is, on a terminal.
private final class ProgressBar {
    private let total: Int
    private let isShown: Bool
    private var lastShown = -1

    init(of total: Int) {
        self.total = total
        isShown = Console.Stream.error.isTerminal
    }

    private static let width = 40

    func show(_ done: Int) {
        let filled = total == 0 ? Self.width : min(done, total) * Self.width / total
        guard isShown, filled != lastShown else { return }
        lastShown = filled
        let bar = String(repeating: "#", count: filled) + String(repeating: ".", count: Self.width - filled)
        write("\r[\(bar)] \(done) of \(total) packets")
    }

    func clear() {
        guard isShown, lastShown >= 0 else { return }
        write("\r\u{1b}[K")
    }

    private func write(_ text: String) { Console.report(Array(text.utf8)) }
}
