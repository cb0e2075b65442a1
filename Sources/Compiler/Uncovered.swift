public import Addressing
public import Docker
public import Policy

/// A macvlan or ipvlan network with containers that no rule of ours guards.
public struct UncoveredNetwork: Hashable, Sendable {
    public enum Reason: Hashable, Sendable {
        /// By the policy it does not lead outside, so that what comes in by it is trusted.
        case parentIsNotExternal(InterfaceName)
        /// Docker names none: containers then share a dummy interface that leads nowhere, or a plugin knows.
        case noParent
        /// The host has no interface of that name, and Linux before 6.16 binds no chain to one that is not there.
        case parentIsAbsent(InterfaceName)
    }

    public var name: String
    public var reason: Reason

    public init(name: String, reason: Reason) {
        self.name = name
        self.reason = reason
    }
}

extension Inventory {
    /// Macvlan and ipvlan networks with containers.
    public var networksOnTheWire: [Network] {
        let inUse = Set(containers.flatMap { $0.attachments.map(\.network) })
        return networks.filter { $0.driver.isOnTheWire && inUse.contains($0.id) }
    }
}

extension Compiler {
    /// To be said by whoever says what is guarded.
    public static func uncovered(by policy: ResolvedPolicy) -> [UncoveredNetwork] {
        policy.inventory.networksOnTheWire.compactMap { network in
            guard let parent = network.parent else { return UncoveredNetwork(name: network.name, reason: .noParent) }
            guard policy.interfaces.isExternal(parent.stem) else {
                return UncoveredNetwork(name: network.name, reason: .parentIsNotExternal(parent))
            }
            guard policy.absentParents.contains(parent) else { return nil }
            return UncoveredNetwork(name: network.name, reason: .parentIsAbsent(parent))
        }
    }

    /// Interfaces that a chain is to be bound to, if they are there.
    public static func parentsOnTheWire(of policy: ResolvedPolicy) -> Set<InterfaceName> {
        Set(policy.inventory.networksOnTheWire.compactMap(\.parent))
    }
}
