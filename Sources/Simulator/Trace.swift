public import Nftables

/// What becomes of a packet, and every rule that had a say in it, in order.
public struct Trace: Sendable, Equatable {
    public enum Fate: Hashable, Sendable {
        case accept
        case drop
        /// Dropped, and the sender told so.
        case reject(Rejection)
        /// It met something that we cannot judge.
        case unknown(String)
    }

    public var fate: Fate
    public var steps: [Step]

    public init(fate: Fate, steps: [Step]) {
        self.fate = fate
        self.steps = steps
    }

    public struct Step: Sendable, Equatable {
        public var chain: String
        public var place: Place
        public var decision: Decision

        public init(chain: String, place: Place, decision: Decision) {
            self.chain = chain
            self.place = place
            self.decision = decision
        }
    }

    /// Where in its chain a step is.
    public enum Place: Sendable, Equatable {
        /// The index counts from 0.
        case rule(Int, LinearRule)
        /// Past a base chain's last rule.
        case policy
    }

    public enum Decision: Hashable, Sendable {
        /// The expression at this index did not match.
        case noMatch(at: Int)
        /// It matched, did what it does, and decided nothing.
        case goesOn
        case verdict(Verdict)
        case reject(Rejection)
        case unknown(String)
    }

    /// The rule that decided, or `nil` where a policy did.
    public var lastRule: LinearRule? {
        guard let step = steps.last, case .rule(_, let rule) = step.place else { return nil }
        return rule
    }
}
