internal import Addressing
public import Diagnostics
public import Questions

extension ExpectationResult {
    /// What is to be said of it; nil where it holds.
    public var diagnostic: Diagnostic? {
        switch outcome {
        case .holds: nil
        case .fails(let failure): failure.diagnostic(at: span)
        case .untested(let reason):
            Diagnostic(
                .note, .expectationUntested, at: span, "this could not be tested: \(reason.text)",
                help: "it is tested where Docker is asked and the containers run")
        }
    }
}

extension ExpectationResult.Untested {
    fileprivate var text: String {
        switch self {
        case .because(let obstacle): obstacle.text
        case .decidedBy(let services):
            "by what is known it fails, and only Docker knows the ports of \(services.joined(separator: ", "))"
        }
    }
}

extension Failure {
    fileprivate func diagnostic(at span: Span) -> Diagnostic {
        let (from, to) = (explanation.clients, explanation.destination)
        let who = clients.text() == from ? "" : ": \(clients.text())"
        let headline =
            switch kind {
            case .isRefused: "\(quoted(from)) does not get in to \(quoted(to))\(who)"
            case .isAllowed: "\(quoted(from)) gets in to \(quoted(to))\(who)"
            case .isUnknown: "it is not known whether \(quoted(from)) gets in to \(quoted(to))"
            }
        guard let part = explanation.parts.first, let decision = part.decisions.first else {
            return .error(
                .expectationFailed, at: span, headline, help: explanation.obstacle.map(\.text))
        }
        var diagnostic = Diagnostic.error(
            .expectationFailed, at: span, headline,
            help: decision.text(allowing: kind == .isRefused, part.clients)
                ?? "correct the expectation, or what the policy says of it",
            annotations: decision.source.map { [.init($0, "decided here")] } ?? [])
        diagnostic.details =
            ["\(decision.example) by \(Way.texts([decision.way]).joined()):"]
            + decision.traceLines(.deciding).map { "  \($0)" }
        return diagnostic
    }
}
