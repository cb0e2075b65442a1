internal import Addressing
internal import Diagnostics
internal import YAML

/// Binds the tree to the policy's types and follows its names. Whatever is wrong is noted, and the rest is read on.
struct Binder {
    static let maximumServices = 10_000

    let files: SourceFiles
    var findings: Findings
    var sources: [SourceText]
    let rootSpan: Span
    var groups = GroupGraph()
    var services: [BoundService] = []
    var hostServices: [BoundHostService] = []
    /// What questions have asked for, so that each is put together once.
    var clientsOfGroups: [String: AddressSet] = [:]
    var serviceNames: Set<String> = []

    init(files: SourceFiles, findings: Findings, sources: [SourceText], rootSpan: Span) {
        self.files = files
        self.findings = findings
        self.sources = sources
        self.rootSpan = rootSpan
    }

    private static let topLevel = KeyTable(
        ["version", "include", "interfaces", "groups", "services", "unlisted", "refuse", "log", "host", "expect"],
        meanings: [
            "default": "unlisted", "policy": "unlisted", "rules": "services", "containers": "services",
            "lists": "groups", "sets": "groups", "tests": "expect", "logging": "log", "input": "host",
        ])

    mutating func policy(_ entries: [Node.Entry]) -> ResolvedPolicy {
        let root = Node(.mapping(entries), span: rootSpan)
        guard let fields = fields(of: root, "the policy", Self.topLevel) else { return .blank(at: rootSpan) }
        let interfaces = interfaces(fields["interfaces"])
        if let node = fields["groups"] { bindGroups(node) }
        resolveGroups()
        if let node = fields["services"] { bindServices(node, within: interfaces) }
        let host = fields["host"].flatMap { bindHost($0) }
        let unlisted = fields["unlisted"].flatMap { choice($0, of: Unlisted.self, "unlisted") } ?? .drop
        let refuse = fields["refuse"].flatMap { choice($0, of: Refusal.self, "refuse") } ?? .drop
        let log = log(fields["log"])
        let expected = fields["expect"].map { expectations($0) } ?? []
        var policy = ResolvedPolicy(
            interfaces: interfaces, groups: groups.resolved,
            services: services.map { $0.service }.sorted { $0.name < $1.name }, unlisted: unlisted, refuse: refuse,
            log: log, host: host)
        policy.unlistedSpan = fields.keys["unlisted"]
        policy.expectations = expected
        policy.groups.sort { $0.name < $1.name }
        // A lint about names that are wrong anyway would only be noise.
        if !findings.hasErrors { lint(policy) }
        return policy
    }
}

extension ResolvedPolicy {
    /// What stands in where there is nothing to resolve; it never leaves the loader, for there is an error.
    static func blank(at span: Span) -> Self {
        ResolvedPolicy(
            interfaces: .standard(at: span), groups: [], services: [], unlisted: .drop, refuse: .drop, log: .standard,
            host: nil)
    }
}
