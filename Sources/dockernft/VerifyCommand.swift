internal import ArgumentParser
internal import Console
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
            rules. Exit status 0: each met what the policy says; 1: one did not; 2: it could not be tried.
            """)

    @OptionGroup var policy: PolicyArgument
    @OptionGroup var output: OutputOptions
    @OptionGroup var docker: DockerOptions
    @OptionGroup var diagnostics: DiagnosticOptions

    @Option(help: ArgumentHelp("At most so many packets, evenly among all that there are.", valueName: "number"))
    var limit = Verifier.standardLimit

    mutating func validate() throws {
        if limit < 1 { throw ValidationError("--limit is at least 1") }
    }

    mutating func run() throws {
        // Before anything else: the kernel lets no process with several threads into a user namespace.
        do throws(StageError) { try UserNamespace.enter() } catch { throw Self.untriable("\(error)") }
        let file = try PolicyFile.read(policy.path, diagnostics)
        let target = try file.target(docker.look().withoutProxyGroup, diagnostics)
        let verifier = Verifier(target.policy, ruleset: target.linear, atMost: limit)
        let bar = ProgressBar(of: verifier.count)
        let verification: Verification
        do throws(Verifier.Failure) {
            verification = try verifier.verify { bar.show($0) }
        } catch {
            bar.clear()
            throw Self.untriable(error.words)
        }
        bar.clear()
        try Console.print(
            output.json
                ? try VerificationJSON.render(verification, policyPath: policy.path)
                : VerificationText(verification).text)
        if !verification.isKept { throw ExitStatus.no }
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
