internal import Compiler

extension PolicyTarget {
    /// A line for each network on the wire whose containers no rule guards. Nobody is to believe that they are.
    var uncovered: [String] { Compiler.uncovered(by: policy).map(\.text) }
}

extension UncoveredNetwork {
    fileprivate var text: String {
        let reason =
            switch reason {
            case .noParent: "Docker names no parent interface of it"
            case .parentIsNotExternal(let parent): "its parent \(parent) is not external by the policy, and trusted"
            case .parentIsAbsent(let parent):
                "the host has no interface \(parent), its parent, now; apply again once it has"
            }
        return "containers on the wire of network \(name) are not guarded: \(reason)"
    }
}
