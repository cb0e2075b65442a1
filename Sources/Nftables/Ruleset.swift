/// One table of family `inet`, whole: what the compiler makes of a policy and the formats print.
///
/// Everything in it is in an order that depends on the policy's meaning alone, never on the order of a file or a dictionary.
public struct Ruleset: Sendable, Equatable {
    public var table: Table
    public var counters: [Counter]
    public var limits: [Limit]
    public var sets: [NamedSet]
    public var chains: [Chain]

    public init(
        table: Table, counters: [Counter] = [], limits: [Limit] = [], sets: [NamedSet] = [], chains: [Chain] = []
    ) {
        self.table = table
        self.counters = counters
        self.limits = limits
        self.sets = sets
        self.chains = chains
    }
}

public struct Table: Hashable, Sendable {
    /// The only family that sees IPv4 and IPv6 in one rule.
    public static let family = "inet"

    public var name: String
    public var comment: String?

    public init(name: String, comment: String? = nil) {
        self.name = name
        self.comment = comment
    }
}

/// A named counter: it outlives the rules that count into it.
public struct Counter: Hashable, Sendable {
    public var name: String

    public init(name: String) { self.name = name }
}

/// A named limit, shared by all rules that name it.
public struct Limit: Hashable, Sendable {
    /// Seconds in the unit, as `NFTA_LIMIT_UNIT` carries them.
    public enum Unit: UInt64, Sendable, CaseIterable {
        case second = 1
        case minute = 60
        case hour = 3600
        case day = 86400
    }

    /// What nft takes when the text gives no burst.
    public static let defaultBurst: UInt32 = 5

    public var name: String
    public var rate: UInt64
    public var unit: Unit
    public var burst: UInt32

    public init(name: String, rate: UInt64, unit: Unit, burst: UInt32 = Limit.defaultBurst) {
        self.name = name
        self.rate = rate
        self.unit = unit
        self.burst = burst
    }
}

/// Where a line of the ruleset comes from: the policy's file and line, for an error that the kernel gives and for `explain`.
public struct Origin: Hashable, Sendable {
    public var file: String
    public var line: Int
    /// Tells services apart that stand in one line.
    public var column: Int

    public init(file: String, line: Int, column: Int = 1) {
        self.file = file
        self.line = line
        self.column = column
    }
}

public struct Chain: Sendable, Equatable {
    public var name: String
    public var base: BaseChain?
    public var rules: [Rule]

    public init(name: String, base: BaseChain? = nil, rules: [Rule] = []) {
        self.name = name
        self.base = base
        self.rules = rules
    }
}

/// What hooks a chain of type `filter` into the kernel's packet path.
public struct BaseChain: Hashable, Sendable {
    public enum Hook: Hashable, Sendable {
        case prerouting
        case input
        case forward
        case output
        case postrouting
        /// Whatever comes in by one interface, before anything else of the host sees it.
        case ingress(device: String)

        /// Those of the host's own stack, which every interface shares.
        public static let ofTheStack: [Self] = [.prerouting, .input, .forward, .output, .postrouting]

        /// The kernel's `NF_INET_*`.
        public var number: UInt32 {
            switch self {
            case .prerouting: 0
            case .input: 1
            case .forward: 2
            case .output: 3
            case .postrouting: 4
            case .ingress: 5
            }
        }

        /// `nil` where the number is none of ours, or has a device where it needs none, or needs one and has another count.
        public init?(number: UInt32, devices: [String]) {
            let known: Self? =
                if let device = devices.first {
                    devices.count == 1 ? .ingress(device: device) : nil
                } else {
                    Self.ofTheStack.first { $0.number == number }
                }
            guard let known, known.number == number else { return nil }
            self = known
        }

        public var device: String? {
            switch self {
            case .prerouting, .input, .forward, .output, .postrouting: nil
            case .ingress(let device): device
            }
        }
    }

    public enum Policy: UInt32, Hashable, Sendable {
        case drop = 0
        case accept = 1
    }

    public var hook: Hook
    public var priority: Int32
    public var policy: Policy

    public init(hook: Hook, priority: Int32, policy: Policy) {
        self.hook = hook
        self.priority = priority
        self.policy = policy
    }
}

/// A rule as a person reads it. `linearized()` makes what the kernel runs of it.
public struct Rule: Sendable, Equatable {
    public var statements: [Statement]
    public var comment: String?
    public var origin: Origin?

    public init(_ statements: [Statement], comment: String? = nil, origin: Origin? = nil) {
        self.statements = statements
        self.comment = comment
        self.origin = origin
    }

    /// The origin is where a rule was written, not what it does.
    public static func == (left: Self, right: Self) -> Bool {
        left.statements == right.statements && left.comment == right.comment
    }
}
