internal import Addressing
public import Nftables

/// Which open connections a change of the rules ends: their next packet passes the rules before, and not those after.
///
/// Connections that look alike but for their client are judged together, so that a hundred thousand cost little more than a few.
public struct FlowTrial {
    public enum Fate: Hashable, Sendable {
        case goesOn
        /// The chain is that of the services that it was dialled by.
        case ends(chain: String?)
        /// The rules before stop it already.
        case hasEnded
        /// It meets something that we cannot judge.
        case unknown(String)
    }

    private var before4: SourceTrial<UInt32>
    private var before6: SourceTrial<UInt128>
    private var after4: SourceTrial<UInt32>
    private var after6: SourceTrial<UInt128>
    private let simulationBefore: Simulation
    private let simulationAfter: Simulation
    /// Addresses that a rule may ask a packet's destination for.
    private let named: Set<IPAddress>
    private(set) var answers: [Approach: Answer] = [:]

    struct Answer {
        var before: AddressSet
        var after: AddressSet
        var chain: String?
        /// Intervals cannot say: each connection is judged by itself.
        var isOdd: Bool
    }

    /// Without a ruleset, everything passes.
    public init(before: LinearRuleset?, after: LinearRuleset?) {
        let before = before ?? LinearRuleset(table: Table(name: ""))
        let after = after ?? LinearRuleset(table: Table(name: ""))
        before4 = SourceTrial(before)
        before6 = SourceTrial(before)
        after4 = SourceTrial(after)
        after6 = SourceTrial(after)
        simulationBefore = Simulation(before)
        simulationAfter = Simulation(after)
        named = Set([before, after].flatMap(\.namedAddresses))
    }

    public mutating func fate(of flow: Flow) -> Fate {
        let approach = approach(of: flow)
        let answer = answers[approach] ?? ask(approach)
        answers[approach] = answer
        if answer.isOdd { return fate(bySimulating: flow, answer.chain) }
        guard answer.before.contains(flow.client.address) else { return .hasEnded }
        return answer.after.contains(flow.client.address) ? .goesOn : .ends(chain: answer.chain)
    }

    /// By the rules themselves, expression by expression.
    func fate(bySimulating flow: Flow, _ chain: String? = nil) -> Fate {
        let packet = flow.nextPacket
        switch simulationBefore.trace(packet).fate {
        case .accept: break
        case .drop, .reject: return .hasEnded
        case .unknown(let reason): return .unknown(reason)
        }
        return switch simulationAfter.trace(packet).fate {
        case .accept: .goesOn
        case .drop, .reject: .ends(chain: chain)
        case .unknown(let reason): .unknown(reason)
        }
    }

    private func approach(of flow: Flow) -> Approach {
        // What is only passed on to others may go to any address of the world.
        let isPassedOn = flow.oifname != nil && !flow.isTranslated
        let address = isPassedOn && !named.contains(flow.dialled.address) ? nil : flow.dialled.address
        return Approach(
            hook: flow.oifname == nil ? .input : .forward, family: flow.client.address.family,
            transport: flow.transport, address: address, port: flow.dialled.port, interface: flow.iifname,
            outputInterface: flow.oifname, isPublished: flow.oifname != nil && flow.isTranslated)
    }

    private mutating func ask(_ approach: Approach) -> Answer {
        switch approach.family {
        case .ipv4:
            let (before, after) = (before4.reach(approach), after4.reach(approach))
            return Answer(
                before: AddressSet(v4: before.allowed), after: AddressSet(v4: after.allowed),
                chain: after.chain ?? before.chain,
                isOdd: !before.notUnderstood.isEmpty || !after.notUnderstood.isEmpty)
        case .ipv6:
            let (before, after) = (before6.reach(approach), after6.reach(approach))
            return Answer(
                before: AddressSet(v6: before.allowed), after: AddressSet(v6: after.allowed),
                chain: after.chain ?? before.chain,
                isOdd: !before.notUnderstood.isEmpty || !after.notUnderstood.isEmpty)
        }
    }
}

extension LinearRuleset {
    /// Single addresses in sets, among them all that services are reached at.
    fileprivate var namedAddresses: [IPAddress] {
        sets.flatMap { set -> [IPAddress] in
            guard case .keyed(let elements) = set.elements else { return [] }
            return elements.flatMap { $0.key.compactMap(\.address) }
        }
    }
}
