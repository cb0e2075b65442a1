public import Addressing
public import Diagnostics
public import Policy

/// What came of a line of `expect`.
public struct ExpectationResult: Sendable {
    public enum Outcome: Sendable {
        case holds
        case fails(Failure)
        /// Only Docker could say.
        case untested(Untested)
    }

    public enum Untested: Hashable, Sendable {
        case because(Explanation.Obstacle)
        /// These services, whose ports are not known, may let in whom the others do not, or keep out whom nobody else does.
        case decidedBy(services: [String])
    }

    public var span: Span
    public var outcome: Outcome
}

/// How the policy differs from what is expected of it.
public struct Failure: Sendable {
    public enum Kind: Hashable, Sendable {
        /// They were to get in.
        case isRefused
        /// They were not.
        case isAllowed
        /// Which of the two they are cannot be told: what is tested is not proven then.
        case isUnknown
    }

    public var kind: Kind
    /// Whom it differs for.
    public var clients: AddressSet
    /// Their answer, with the part that differs alone.
    public var explanation: Explanation
}

extension Inquiry {
    /// Runs every test of the policy, in the order of the file.
    public mutating func results() -> [ExpectationResult] { policy.expectations.map { result($0) } }

    public mutating func result(_ expectation: Expectation) -> ExpectationResult {
        let question = expectation.question
        let clients = question.clients.addresses
        let outcome: ExpectationResult.Outcome
        switch expectation.claim {
        case .allow: outcome = self.outcome(question, clients, question.clients.text, .isRefused)
        case .deny: outcome = self.outcome(question, clients, question.clients.text, .isAllowed)
        case .nobodyBut:
            let others = AddressSet.all.subtracting(clients)
            let first = self.outcome(question, clients, question.clients.text, .isRefused)
            switch first {
            case .fails, .untested: outcome = first
            case .holds:
                outcome = self.outcome(question, others, "everybody but \(question.clients.text)", .isAllowed)
            }
        }
        return ExpectationResult(span: expectation.span, outcome: outcome)
    }

    /// It holds unless some of the clients are as `wrong` says, by any way.
    private mutating func outcome(
        _ question: Question, _ clients: AddressSet, _ name: String, _ wrong: Failure.Kind
    ) -> ExpectationResult.Outcome {
        guard !clients.isEmpty else { return .holds }
        let differing: [Trying]
        // However many ports are asked of, the first that differ are enough to say so.
        let isWanted: (Trying) -> Bool = { !$0.differing(wrong).isEmpty || !$0.notUnderstood.isEmpty }
        switch tries(question.destination, clients, .first(64, .certain, where: isWanted)) {
        case .success(let found):
            let notUnderstood = found.reduce(into: Set()) { $0.formUnion($1.notUnderstood) }
            guard notUnderstood.isEmpty else {
                return .fails(failure(question, clients, name, .notUnderstood(notUnderstood.sorted())))
            }
            differing = found
        case .failure(let obstacle):
            switch obstacle.reason {
            case .otherFamily, .nobody, .noInterface:
                if wrong == .isAllowed { return .holds }
                return .fails(failure(question, clients, name, obstacle.reason, wrong))
            case .notUnderstood: return .fails(failure(question, clients, name, obstacle.reason))
            case .dockerNotAsked, .nothingRuns, .publishesNothing, .hostNetwork, .tooManyWays, .proxyNotKnown:
                return .untested(.because(obstacle.reason))
            }
        }
        guard !differing.isEmpty else {
            switch tries(question.destination, clients, .first(1, .knownToDockerOnly, where: isWanted)) {
            case .success(let found) where !found.isEmpty: return .untested(.because(.proxyNotKnown))
            case .success, .failure: return .holds
            }
        }
        let judges = unknownJudges(of: differing, wrong)
        if !judges.isEmpty { return .untested(.decidedBy(services: judges)) }
        let all = differing.reduce(AddressSet()) { $0.union($1.differing(wrong)) }
        let explanation = Explanation(
            verdict: wrong == .isAllowed ? .allowed : .refused, clients: name, destination: question.text,
            parts: parts(differing).filter { $0.isAllowed == (wrong == .isAllowed) }, obstacle: nil)
        return .fails(Failure(kind: wrong, clients: all, explanation: explanation))
    }

    private func failure(
        _ question: Question, _ clients: AddressSet, _ name: String, _ obstacle: Explanation.Obstacle,
        _ kind: Failure.Kind = .isUnknown
    ) -> Failure {
        let explanation = Explanation(
            verdict: .unknown, clients: name, destination: question.text, parts: [], obstacle: obstacle)
        return Failure(kind: kind, clients: clients, explanation: explanation)
    }

    /// Services whose ports only Docker knows, and that could make the answer the expected one.
    private func unknownJudges(of tries: [Trying], _ wrong: Failure.Kind) -> [String] {
        let unknown = policy.selecting.filter { $0.selected.isEmpty && $0.direct.isEmpty }
        guard !unknown.isEmpty else { return [] }
        switch wrong {
        case .isRefused:
            let missing = tries.reduce(AddressSet()) { $0.union($1.refused) }
            let theirs = unknown.reduce(AddressSet()) { $0.union(allowed(by: $1)) }
            guard missing.subtracting(theirs).isEmpty else { return [] }
            return unknown.filter { !allowed(by: $0).intersection(missing).isEmpty }.map(\.name)
        case .isAllowed:
            // A container on the host's network has the very port that its service names, and is judged there.
            let judges = tries.map { tried in
                unknown.filter { service in
                    tried.way.path == .host
                        && service.selector?.ports.contains {
                            $0.transport == tried.way.transport && $0.ports.overlaps(tried.way.ports)
                        } == true
                }
            }
            return judges.contains(where: \.isEmpty) ? [] : Set(judges.joined().map(\.name)).sorted()
        case .isUnknown: return []
        }
    }

    private func allowed(by service: Service) -> AddressSet {
        addresses(of: service.allow).subtracting(addresses(of: service.except))
    }

    private func addresses(of sources: Sources) -> AddressSet {
        switch sources {
        case .anyone: .all
        case .listed(let groups, let addresses):
            policy.groups.filter { groups.contains($0.name) }.reduce(addresses) { $0.union($1.addresses) }
        }
    }
}

extension Inquiry.Trying {
    fileprivate func differing(_ kind: Failure.Kind) -> AddressSet {
        switch kind {
        case .isRefused: refused
        case .isAllowed: allowed
        case .isUnknown: allowed.union(refused)
        }
    }
}
