internal import Diagnostics
internal import Policy
internal import Presentation
internal import Questions

extension PolicyFile {
    /// With what came of the policy's own tests, run on the rules that it has become. One that fails is an error as any other.
    func tested(_ target: PolicyTarget) -> Self {
        var loaded = loaded
        loaded.diagnostics += target.expectationDiagnostics
        if loaded.diagnostics.hasErrors { loaded.policy = nil }
        return Self(path: path, loaded: loaded)
    }

    /// The tests alone, for whoever has reported the rest. Whether none has failed.
    func passes(_ target: PolicyTarget, _ options: DiagnosticOptions) -> Bool {
        let found = target.expectationDiagnostics
        Self(path: path, loaded: LoadedPolicy(policy: nil, diagnostics: found, sources: loaded.sources)).report(options)
        return !found.hasErrors
    }
}

extension PolicyTarget {
    fileprivate var expectationDiagnostics: [Diagnostic] {
        guard !policy.expectations.isEmpty else { return [] }
        var inquiry = Inquiry(policy: policy, ruleset: ruleset, linear: linear)
        return inquiry.results().compactMap(\.diagnostic)
    }
}
