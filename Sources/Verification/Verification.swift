public import Addressing
internal import Nftables
internal import Rehearsal
public import Simulator

/// What became of every claim.
public struct Verification: Sendable {
    /// A line of the table.
    public struct Row: Sendable {
        public var about: String
        public var path: Claim.Path
        public var family: AddressFamily
        public var tried: Int
        /// How many there are; where not all were tried, those that were lie evenly among them.
        public var possible: Int
        public var differing: Int
    }

    /// A packet that did not meet what the policy says.
    public struct Difference: Sendable {
        public var claim: Claim
        public var met: Met
        /// The rule that decides by the simulator, and its chain; nil where no rule of ours sees the packet.
        public var decision: Trace.Step?
    }

    /// What became of a packet.
    public enum Met: Hashable, Sendable {
        case answered(by: Answerer)
        /// A reset, or an error of ICMP.
        case refused
        case silence

        public enum Answerer: String, Hashable, Sendable {
            case container
            case host
            case outside
        }
    }

    public var rows: [Row]
    public var differences: [Difference]
    /// What could not be tried, and why.
    public var untried: [String]

    public var tried: Int { rows.reduce(0) { $0 + $1.tried } }
    public var possible: Int { rows.reduce(0) { $0 + $1.possible } }
    public var isKept: Bool { differences.isEmpty }
}

extension Verification {
    init(_ claims: Claims, _ outcomes: [(claim: Claim, fate: Fate)], _ ruleset: LinearRuleset, untried: [String]) {
        let simulation = Simulation(ruleset)
        var tried: [Claims.Group: Int] = [:]
        var differing: [Claims.Group: Int] = [:]
        var differences: [Difference] = []
        for (claim, fate) in outcomes {
            tried[claim.group, default: 0] += 1
            if claim.isKept(by: fate, on: claims.scene) { continue }
            differing[claim.group, default: 0] += 1
            differences.append(Difference(claim, fate, on: claims.scene, simulation))
        }
        rows = claims.possible.sorted { $0.key < $1.key }.map { group, possible in
            Row(
                about: group.about, path: group.path, family: group.family, tried: tried[group] ?? 0,
                possible: possible, differing: differing[group] ?? 0)
        }
        self.differences = differences
        self.untried = untried
    }
}

extension Verification.Difference {
    init(_ claim: Claim, _ fate: Fate, on scene: Scene, _ simulation: Simulation) {
        let steps = claim.packet(on: scene).map { simulation.trace($0).steps } ?? []
        self.claim = claim
        met = Verification.Met(fate)
        decision = steps.last { step in
            switch step.decision {
            case .noMatch: false
            case .goesOn, .verdict, .reject, .unknown: true
            }
        }
    }
}

extension Verification.Met {
    fileprivate init(_ fate: Fate) {
        switch fate {
        case .answered(.host): self = .answered(by: .host)
        case .answered(.container): self = .answered(by: .container)
        case .answered(.outside): self = .answered(by: .outside)
        case .refused: self = .refused
        case .silent: self = .silence
        }
    }
}
