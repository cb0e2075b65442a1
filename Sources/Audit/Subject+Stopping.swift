internal import HostRules
internal import Reachability

extension Subject {
    func stopping(_ stop: Stop) -> LiveExplanation.Stopping {
        switch stop {
        case .rule(let reference):
            LiveExplanation.Stopping(
                stop: stop, meaning: meaning(reference.table, reference.chain), rule: rule(reference),
                place: "\(reference.table) \(reference.chain), handle \(reference.handle)")
        case .policy(let table, let chain):
            LiveExplanation.Stopping(
                stop: stop,
                meaning: chain == "FORWARD"
                    ? "Docker sets this policy, so that the host forwards for nobody else" : nil,
                rule: nil, place: "the policy of \(table) \(chain)")
        case .routing: LiveExplanation.Stopping(stop: stop, meaning: nil, rule: nil, place: stop.text)
        }
    }

    private func rule(_ reference: RuleReference) -> HostRule? {
        rules.tables.first { "\($0.family.word) \($0.name)" == reference.table }?
            .chains.first { $0.name == reference.chain }?
            .rules.first { $0.handle == reference.handle }
    }

    /// Whose a rule is, and what it is there for, as far as its place says.
    private func meaning(_ table: String, _ chain: String) -> String? {
        if table == "inet dockernft" { return "ours" }
        let isDockers = chain.hasPrefix("DOCKER") || table.hasSuffix(" docker-bridges")
        if chain == "DOCKER-USER" { return "the host's own, in front of Docker's" }
        if table.hasSuffix(" raw") && chain == "PREROUTING"
            || table.hasSuffix(" docker-bridges") && chain.contains("raw")
        {
            return "Docker's: a container's own address is not to be dialled from outside, only its published port"
        }
        if chain.hasPrefix("DOCKER-ISOLATION") { return "Docker's: it keeps its networks apart" }
        return isDockers ? "Docker's: only published ports are forwarded to a container" : nil
    }
}
