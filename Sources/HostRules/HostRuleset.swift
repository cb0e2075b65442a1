/// Every rule of one network namespace as the kernel runs it: our table, Docker's, and whatever else there is. Only read, never
/// written; what it says that we cannot follow is kept as `Instruction.unknown`.
public struct HostRuleset: Hashable, Sendable {
    public var generation: UInt32
    public var tables: [HostTable]

    public init(generation: UInt32, tables: [HostTable]) {
        self.generation = generation
        self.tables = tables
    }
}

public struct HostTable: Hashable, Sendable {
    /// `NFPROTO_*`.
    public enum Family: UInt8, Hashable, Sendable, CaseIterable {
        case inet = 1
        case ip = 2
        case arp = 3
        case netdev = 5
        case bridge = 7
        case ip6 = 10

        public var word: String {
            switch self {
            case .inet: "inet"
            case .ip: "ip"
            case .arp: "arp"
            case .netdev: "netdev"
            case .bridge: "bridge"
            case .ip6: "ip6"
            }
        }
    }

    public var family: Family
    public var name: String
    public var comment: String?
    /// Switched off by its owner: none of its rules is in force.
    public var isDormant: Bool
    public var chains: [HostChain]
    public var sets: [HostSet]
    /// Names of flowtables: what is in one skips the forward hook once it is established.
    public var flowtables: [String]

    public init(
        family: Family, name: String, comment: String? = nil, isDormant: Bool = false, chains: [HostChain] = [],
        sets: [HostSet] = [], flowtables: [String] = []
    ) {
        self.family = family
        self.name = name
        self.comment = comment
        self.isDormant = isDormant
        self.chains = chains
        self.sets = sets
        self.flowtables = flowtables
    }
}

public struct HostChain: Hashable, Sendable {
    public struct Base: Hashable, Sendable {
        public enum Hook: UInt32, Hashable, Sendable, CaseIterable {
            case prerouting = 0
            case input = 1
            case forward = 2
            case output = 3
            case postrouting = 4
            /// Of a device, before everything else; `NF_INET_INGRESS`, and `NF_NETDEV_INGRESS` in the family netdev.
            case ingress = 5
            case egress = 6
        }

        /// `filter`, `nat` or `route`.
        public var type: String
        public var hook: Hook
        public var priority: Int32
        public var dropsByDefault: Bool
        /// Of an ingress or egress chain.
        public var devices: [String]

        public init(type: String, hook: Hook, priority: Int32, dropsByDefault: Bool = false, devices: [String] = []) {
            self.type = type
            self.hook = hook
            self.priority = priority
            self.dropsByDefault = dropsByDefault
            self.devices = devices
        }
    }

    public var name: String
    public var base: Base?
    public var rules: [HostRule]

    public init(name: String, base: Base? = nil, rules: [HostRule] = []) {
        self.name = name
        self.base = base
        self.rules = rules
    }
}

public struct HostRule: Hashable, Sendable {
    public var handle: UInt64
    public var instructions: [Instruction]
    /// What nft or iptables keeps with it as its comment.
    public var comment: String?

    public init(handle: UInt64 = 0, _ instructions: [Instruction], comment: String? = nil) {
        self.handle = handle
        self.instructions = instructions
        self.comment = comment
    }
}

/// A set or a map. Keys and data are bytes as registers hold them: each field of a concatenation padded to 4 bytes.
public struct HostSet: Hashable, Sendable {
    public struct Element: Hashable, Sendable {
        /// Both ends belong to it; equal where it is a single key.
        public var low: [UInt8]
        public var high: [UInt8]
        public var verdict: HostVerdict?
        public var data: [UInt8]?

        public init(low: [UInt8], high: [UInt8], verdict: HostVerdict? = nil, data: [UInt8]? = nil) {
            self.low = low
            self.high = high
            self.verdict = verdict
            self.data = data
        }
    }

    public var name: String
    public var keyLength: Int
    /// Of each field of a concatenation, padding not counted; one field where it is none.
    public var fieldLengths: [Int]
    /// Matches whatever no other element matches.
    public var catchall: Element?
    public var elements: [Element]
    /// It changes without a commit: packets add to it, or its elements expire.
    public var isDynamic: Bool

    public init(
        name: String, keyLength: Int, fieldLengths: [Int]? = nil, elements: [Element] = [], catchall: Element? = nil,
        isDynamic: Bool = false
    ) {
        self.name = name
        self.keyLength = keyLength
        self.fieldLengths = fieldLengths ?? [keyLength]
        self.elements = elements
        self.catchall = catchall
        self.isDynamic = isDynamic
    }
}
