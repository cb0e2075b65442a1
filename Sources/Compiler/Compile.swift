internal import Addressing
internal import Digest
public import Nftables
public import Policy

/// Turns a policy into the ruleset that enforces it. Every table this project makes comes out of here.
public enum Compiler {
    public static let tableName = "dockernft"

    /// In the table for as long as it lives: by it we know a table as ours.
    public static let tableComment = "made by dockernft from a policy: edit that, then dockernft apply"

    /// Ahead of Docker's chains at `filter` (0), behind DNAT at `dstnat` (-100) and conntrack (-200).
    static let priority: Int32 = -10

    /// A ruleset, and what the kernel runs for it.
    public struct Output: Sendable {
        public var ruleset: Ruleset
        public var linear: LinearRuleset
    }

    public static func compile(_ policy: ResolvedPolicy) -> Ruleset { output(of: policy).ruleset }

    /// The same with what the kernel runs, which its digest takes in any case.
    public static func output(of policy: ResolvedPolicy) -> Output {
        var ruleset = rulesetWithoutDigest(policy)
        var linear = ruleset.linearized()
        let digest = digestChain(of: linear)
        ruleset.chains.insert(digest, at: 0)
        linear.chains.insert(digest.linearized(), at: 0)
        return Output(ruleset: ruleset, linear: linear)
    }

    private static func rulesetWithoutDigest(_ policy: ResolvedPolicy) -> Ruleset {
        let lists = SourceLists(policy)
        var chains = ServiceChains(policy: policy, lists: lists)
        let published = PublishedPorts(policy, chains: &chains)
        let docker = DockerPorts(policy, anyPort: published.anyPort.isEmpty ? nil : Paths.anyPortName)
        let elsewhere = Paths.elsewhere(policy, published) + docker.bySocket
        let host = policy.host.map { HostChain($0, log: policy.log, elsewhere: elsewhere, chains: &chains) }
        let direct = DirectPorts(policy, chains: &chains)
        let paths = Paths(policy, published: published, direct: direct, docker: docker, host: host)

        let wire = OnTheWire(policy, chains: &chains)

        var ruleset = Ruleset(table: Table(name: tableName, comment: tableComment))
        ruleset.counters = (Array(chains.counters) + (host?.counters ?? []) + paths.counters + wire.counters).sorted()
            .map(Counter.init)
        ruleset.limits = policy.log.refused ? [policy.log.limit] : []
        ruleset.sets =
            paths.sets + chains.interfaceSets.values.sorted { $0.name < $1.name } + lists.sets + published.maps
            + direct.maps + docker.sets + (host?.maps ?? []) + wire.sets
        ruleset.chains =
            paths.chains + wire.chains + chains.chains.values.sorted { $0.name < $1.name }
            + (policy.mayReject ? [RejectChain.chain] : [])
        return ruleset
    }

    static let digestChainName = "digest"
    private static let digestPrefix = "sha256:"

    /// The digest that a table carries, whatever it has become since.
    public static func digest(of ruleset: LinearRuleset) -> String? {
        let comment = ruleset.chains.first { $0.name == digestChainName }?.rules.first?.comment
        return comment.flatMap { $0.hasPrefix(digestPrefix) ? String($0.dropFirst(digestPrefix.count)) : nil }
    }

    /// A chain that nothing jumps to. Its one rule says of which policy the table is, and is replaced with it.
    private static func digestChain(of ruleset: LinearRuleset) -> Chain {
        Chain(
            name: digestChainName,
            rules: [Rule([.verdict(.return)], comment: digestPrefix + PolicyDigest.hexadecimal(of: ruleset))])
    }
}

extension ResolvedPolicy {
    fileprivate var mayReject: Bool { refuse == .reject || unlisted == .reject }
}
