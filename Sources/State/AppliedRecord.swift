public import Nftables

/// What the last apply left in the kernel, kept for the next command.
///
/// The kernel counts its commits in a generation (`NFT_MSG_GETGEN`). While it is the one that the apply led to, in the same boot and
/// network namespace, nobody has changed any table since, and a set's elements need not be read back from the kernel, which takes
/// time that grows with the square of their number.
public struct AppliedRecord: Sendable, Equatable {
    /// Empty where it is not known.
    public var policyPath: String
    /// Seconds since 1970-01-01 00:00 UTC.
    public var appliedAt: Int64
    public var digest: String
    public var place: Place
    public var elements: [String: Elements]
    /// The policy that waits in the table to be confirmed, where one does.
    public var waiting: Waiting?

    public init(
        policyPath: String, appliedAt: Int64, digest: String, place: Place, elements: [String: Elements],
        waiting: Waiting? = nil
    ) {
        self.policyPath = policyPath
        self.appliedAt = appliedAt
        self.digest = digest
        self.place = place
        self.elements = elements
        self.waiting = waiting
    }

    public struct Waiting: Sendable, Hashable {
        public var policyPath: String
        public var appliedAt: Int64

        public init(policyPath: String, appliedAt: Int64) {
            self.policyPath = policyPath
            self.appliedAt = appliedAt
        }
    }

    /// A state of one kernel's tables, told apart from every other one.
    public struct Place: Hashable, Sendable {
        /// `/proc/sys/kernel/random/boot_id`
        public var boot: String
        /// `SO_NETNS_COOKIE`: one boot never gives the same twice.
        public var namespace: UInt64
        public var generation: UInt32
        /// The kernel's number for our table.
        public var table: UInt64

        public init(boot: String, namespace: UInt64, generation: UInt32, table: UInt64) {
            self.boot = boot
            self.namespace = namespace
            self.generation = generation
            self.table = table
        }
    }
}
