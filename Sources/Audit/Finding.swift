public import Addressing

public enum FindingCode: String, Hashable, Sendable, CaseIterable {
    case openByDNAT = "open-by-dnat"
    case openByProxy = "open-by-proxy"
    case openByDirectRoute = "open-by-direct-route"
    case openByLoopback = "open-by-loopback"
    case openByMacvlan = "open-by-macvlan"
    case openBySwarm = "open-by-swarm"
    case openOnHostNetwork = "open-on-host-network"
    case vxlanOpen = "vxlan-open"
    case dockerAPIOpen = "docker-api-open"
    case answerUnknown = "answer-unknown"
    case legacyIptables = "legacy-iptables"
    case tableAbsent = "table-absent"
    case tableChanged = "table-changed"
    case tableForeign = "table-foreign"
    case tableDormant = "table-dormant"
    case dockerUserDead = "docker-user-dead"
    case dockerUserNoJump = "docker-user-no-jump"
    case flushRuleset = "flush-ruleset"
    case unitMissing = "unit-missing"
    case unitDisabled = "unit-disabled"
    case unitAfterDocker = "unit-after-docker"
    case flowtable
    case bridgeRules = "bridge-rules"
    case allowedButClosed = "allowed-but-closed"
}

public enum Severity: String, Hashable, Comparable, Sendable, CaseIterable {
    case openToAnyone = "open-to-anyone"
    case openTooWide = "open-too-wide"
    case unknown
    case hygiene
    case closedToAllowed = "closed-to-allowed"

    public static func < (left: Self, right: Self) -> Bool {
        (allCases.firstIndex(of: left) ?? 0) < (allCases.firstIndex(of: right) ?? 0)
    }
}

public struct Finding: Hashable, Sendable {
    public var code: FindingCode
    public var severity: Severity
    public var headline: String
    /// Why it matters.
    public var why: String
    /// What to write, or to do.
    public var help: String
    /// The sources that it is about; empty where it is about none.
    public var sources: AddressSet

    init(
        _ code: FindingCode, _ severity: Severity, _ headline: String, why: String, help: String,
        sources: AddressSet = AddressSet()
    ) {
        self.code = code
        self.severity = severity
        self.headline = headline
        self.why = why
        self.help = help
        self.sources = sources
    }
}

public struct AuditReport: Hashable, Sendable {
    public enum Result: Hashable, Sendable {
        case nothingOpen
        /// Somebody gets in whom the policy does not allow.
        case open
        /// Nobody is known to, and of some it could not be found out.
        case unknown
    }

    /// Worst first.
    public var findings: [Finding]
    /// Worst first.
    public var entrances: [Entrance]
    public var hasPolicy: Bool
    /// Without Docker, what it publishes is known by what listens alone.
    public var knowsContainers: Bool

    public var result: Result {
        if entrances.contains(where: { $0.verdict <= .openTooWide })
            || findings.contains(where: { $0.severity <= .openTooWide })
        {
            return .open
        }
        let isUnknown =
            entrances.contains { $0.verdict == .unknown } || findings.contains { $0.severity == .unknown }
        return isUnknown ? .unknown : .nothingOpen
    }
}
