internal import Audit
internal import Compiler
internal import Console
internal import Docker
internal import Nftables
internal import Policy
internal import Presentation

extension Explain {
    func runLive() throws {
        let session = try KernelSession(kernel)
        let inventory = try seen()
        let file = try named(session, inventory)
        guard let policy = file.policy else {
            file.report(diagnostics)
            throw file.status
        }
        let question = try question(policy)
        let table = try LiveTable.read(session).condition
        let subject = try session.subject(inventory: inventory, policy: policy, table: table)
        var inquiry = LiveInquiry(subject, interface: interface)
        let explanation = inquiry.explain(question)
        let text = LiveExplanationText(explanation, origins: Self.origins(policy))
        try Console.print(output.json ? try text.json() : text.text)
        switch explanation.verdict {
        case .allowed: break
        case .refused, .differs: throw ExitStatus.no
        case .unknown: throw ExitStatus.trouble
        }
    }

    /// Nil where there is no Docker to ask.
    private func seen() throws -> Inventory? {
        switch docker.look() {
        case .seen(let inventory): return inventory
        case .notAsked: break
        case .absent(let path):
            Console.report("dockernft: note: there is no Docker at \(path): containers have no names")
        case .unreachable(let error, let isDemanded):
            Console.report("dockernft: \(isDemanded ? "" : "note: ")\(error)")
            if isDemanded { throw ExitStatus.trouble }
        }
        return nil
    }

    /// The policy whose names the question may use; an empty one where there is none.
    private func named(_ session: KernelSession, _ inventory: Inventory?) throws -> PolicyFile {
        let file: PolicyFile
        if let path = path ?? session.likelyPolicyPath {
            file = try PolicyFile.read(path, diagnostics)
        } else {
            file = PolicyFile(
                path: "",
                loaded: ResolvedPolicy.load(path: "", files: .inMemory(["": Array("version: 1\n".utf8)])))
        }
        return inventory.map { file.resolved(against: $0) } ?? file
    }

    /// Where the policy says what a rule of ours does.
    private static func origins(_ policy: ResolvedPolicy) -> [LiveExplanationText.RuleName: String] {
        var origins: [LiveExplanationText.RuleName: String] = [:]
        for chain in Compiler.compile(policy).chains {
            for rule in chain.rules {
                guard let origin = rule.origin, let comment = rule.comment else { continue }
                origins[.init(chain: chain.name, comment: comment)] = "\(origin.file):\(origin.line)"
            }
        }
        return origins
    }
}
