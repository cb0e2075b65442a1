public import NftablesKernel

/// Which rules stand in for Docker's while a policy is tried.
public enum DockerRules: Hashable, Sendable {
    /// Such as Docker makes for a container that publishes every port, and no others; and why.
    case own(because: String)
    /// Beside these, the tables that Docker has its rules in on this host.
    case ofHost(tables: [String])
    /// The same as they were when the file was written.
    case recorded(path: String, tables: [String])
}

/// The rules of a host that are tried, with what is needed of the host for packets to meet them. What its engine runs is in the policy.
public struct EngineRules: Sendable {
    public var rules: ForeignRules
    /// By which it is reached.
    public var interfaces: [String]

    public init(_ rules: ForeignRules, interfaces: [String]) {
        self.rules = rules
        self.interfaces = interfaces
    }
}
