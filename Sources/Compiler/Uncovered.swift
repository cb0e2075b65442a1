public import Addressing
internal import Docker
public import Policy

/// A macvlan or ipvlan network with containers that no rule of ours guards.
public struct UncoveredNetwork: Hashable, Sendable {
    public enum Reason: Hashable, Sendable {
        /// By the policy it does not lead outside, so that what comes in by it is trusted.
        case parentIsNotExternal(InterfaceName)
        /// Docker names none: containers then share a dummy interface that leads nowhere, or a plugin knows.
        case noParent
    }

    public var name: String
    public var reason: Reason

    public init(name: String, reason: Reason) {
        self.name = name
        self.reason = reason
    }
}

extension Compiler {
    /// To be said by whoever says what is guarded.
    public static func uncovered(by policy: ResolvedPolicy) -> [UncoveredNetwork] {
        let inUse = Set(policy.inventory.containers.flatMap { $0.attachments.map(\.network) })
        return policy.inventory.networks.filter { $0.driver.isOnTheWire && inUse.contains($0.id) }.compactMap {
            network in
            guard let parent = network.parent else { return UncoveredNetwork(name: network.name, reason: .noParent) }
            if policy.interfaces.isExternal(parent.stem) { return nil }
            return UncoveredNetwork(name: network.name, reason: .parentIsNotExternal(parent))
        }
    }
}
