internal import Addressing
public import Docker
public import HostRules
public import Policy
public import Reachability

/// All that an audit looks at, read beforehand: it asks nobody itself.
public struct Subject: Sendable {
    public var rules: HostRuleset
    public var topology: Topology
    public var listeners: [Listener]
    /// Nil where Docker was not to be asked, or is not there.
    public var inventory: Inventory?
    /// What is allowed. Nil where there is no policy: then everything that is open is said.
    public var policy: ResolvedPolicy?
    public var table: TableCondition
    public var installation: Installation

    public init(
        rules: HostRuleset, topology: Topology, listeners: [Listener] = [], inventory: Inventory? = nil,
        policy: ResolvedPolicy? = nil, table: TableCondition = .absent, installation: Installation = Installation()
    ) {
        self.rules = rules
        self.topology = topology
        self.listeners = listeners
        self.inventory = inventory
        self.policy = policy
        self.table = table
        self.installation = installation
    }
}

extension Listener {
    /// One that the engine holds to keep others off the port, and never answers.
    var isReservation: Bool { processes == ["dockerd"] }
    var isProxy: Bool { processes.contains("docker-proxy") }
}

/// What became of our table.
public enum TableCondition: String, Hashable, Sendable {
    case asApplied = "as-applied"
    case changed
    /// Of our name, and not made by us.
    case foreign
    case dormant
    case absent
}

/// How the host is set up, as far as it decides whether rules stay in force.
public struct Installation: Hashable, Sendable {
    public struct File: Hashable, Sendable {
        public var path: String
        public var text: String

        public init(path: String, text: String) {
            self.path = path
            self.text = text
        }
    }

    public enum Unit: Hashable, Sendable {
        /// No systemd here: nothing is said about units.
        case noSystemd
        case missing
        case disabled
        case enabled(File)
    }

    /// `/etc/nftables.conf` and what it includes.
    public var rulesetFiles: [File]
    public var unit: Unit
    /// Tables of the old xtables, which no dump shows: of `/proc/net/ip_tables_names` and its like for IPv6.
    public var legacyTables: [String]

    public init(rulesetFiles: [File] = [], unit: Unit = .noSystemd, legacyTables: [String] = []) {
        self.rulesetFiles = rulesetFiles
        self.unit = unit
        self.legacyTables = legacyTables
    }
}

extension IPAddress {
    var isLoopback: Bool {
        switch self {
        case .v4(let address): address.bits >> 24 == 127
        case .v6(let address): address.bits == 1
        }
    }

    var isLinkLocal: Bool {
        switch self {
        case .v4: false
        case .v6(let address): address.bits >> 118 == 0x3fa
        }
    }
}
