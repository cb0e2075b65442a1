import Addressing
import Diagnostics
import Compiler
import Docker
import Nftables
import Policy
import Questions
import Testing

/// A policy's text, with questions to it.
struct Asked {
    let policy: ResolvedPolicy
    let interface: String?

    init(_ text: String, _ inventory: Inventory? = nil, interface: String? = nil) throws {
        var loaded = ResolvedPolicy.load(
            path: "policy.yaml", files: .inMemory(["policy.yaml": Array(("version: 1\n" + text + "\n").utf8)]))
        if let inventory { loaded = loaded.resolved(against: inventory) }
        policy = try #require(loaded.policy, "\(loaded.diagnostics.map(\.headline))")
        self.interface = interface
    }

    private var inquiry: Inquiry {
        let ruleset = Compiler.compile(policy)
        return Inquiry(policy: policy, ruleset: ruleset, linear: ruleset.linearized(), interface: interface)
    }

    func explain(_ from: String, _ to: String) throws -> Explanation {
        let reading = policy.question(from: from, to: to)
        let question = try #require(reading.question, "\(reading.diagnostics.map(\.headline))")
        var inquiry = inquiry
        return inquiry.explain(question)
    }

    func verdict(_ from: String, _ to: String) throws -> Explanation.Verdict { try explain(from, to).verdict }

    /// One word for each line of `expect`, in order.
    var results: [String] {
        var inquiry = inquiry
        return inquiry.results().map { result in
            switch result.outcome {
            case .holds: "holds"
            case .fails: "fails"
            case .untested: "untested"
            }
        }
    }

    var failures: [Failure] {
        var inquiry = inquiry
        return inquiry.results().compactMap { result in
            if case .fails(let failure) = result.outcome { failure } else { nil }
        }
    }
}
