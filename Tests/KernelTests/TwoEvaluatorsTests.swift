import Addressing
import Audit
import Compiler
import Nftables
import NftablesKernel
import Policy
import Rehearsal
import Simulator
import TestSupport
import Testing

/// What `diff` says before an apply, from the expressions that it would send, against what `audit` says after it, from what
/// the kernel then has: whole sets of clients at once.
@Suite(.serialized, .requires(.root, .nft)) struct `Both who judge whole ranges of clients` {
    private static let policies = 80
    private static let doorsPerPolicy = 260
    private static let audits = 30

    /// With rules that translate as Docker's do.
    private static func stage() throws -> Stage {
        let stage = try Stage(RandomHost.setting())
        _ = try stage.onHost {
            Result { try Program(["nft", "-f", "-"], input: RandomHost.translation()).run().orThrow() }
        }.get()
        return stage
    }

    @Test func `say the same of our table, at both sides of every port where it begins to treat clients otherwise`()
        throws
    {
        let stage = try Self.stage()
        var connection = try KernelConnection(namespace: stage.hostNamespacePath)
        let host = try WholeHost(namespace: stage.hostNamespacePath)
        var random = RandomPolicy(seed: 20_261_124, wire: RandomHost.wire)
        var generator = SeededGenerator(seed: 20_261_125)
        var tally = Tally()
        for number in 0..<Self.policies {
            let desired = Compiler.compile(random.next()).linearized()
            try connection.apply(desired)
            var entrances = try host.entrances(&connection)
            var before = Proposal(desired)
            let ports = NamedPlaces(desired).pieces(of: 7999...8041).flatMap { Set([$0.lowerBound, $0.upperBound]) }
            for _ in 0..<Self.doorsPerPolicy {
                let door = RandomDoor(&generator, ports: ports.sorted())
                let proposed = before.reach(door.approach)
                try #require(proposed.notUnderstood.isEmpty)
                let live = entrances.clients(
                    door.transport, door.destination, door.port, by: door.interface,
                    isOnTheWire: RandomHost.onTheWire.contains(door.destination))
                // The simulator judges rules, and no rule is about who is not routed.
                try #require(live.notRouted.subtracting(Self.linkLocal).isEmpty)
                let allowed = proposed.allowed.subtracting(live.notRouted)
                tally.add(door, allowed)
                guard allowed != live.open || !live.unknown.isEmpty else { continue }
                tally.differences += 1
                guard tally.differences <= 10 else { continue }
                let kernel = try Self.kernelSays(
                    stage, door, allowed.subtracting(live.open).union(live.open.subtracting(allowed)))
                Issue.record(
                    """
                    policy \(number), \(door.transport) \(door.port) at \(door.destination) by \(door.interface): before the apply \
                    \(allowed.text), after it \(live.open.text), unknown \(live.unknown.text) \(live.doubts); \(kernel)
                    """)
            }
        }
        #expect(tally.differences == 0)
        #expect(tally.compared == Self.policies * Self.doorsPerPolicy)
        #expect(tally.compared >= 20_000)
        // None of it is a world in which all doors are open, or none.
        #expect(tally.open > tally.compared / 6)
        #expect(tally.boundaries > 20_000)
        for hook in [BaseChain.Hook.forward, .input, .ingress(device: RandomHost.wire.parent)] {
            #expect(tally.hooks[hook, default: 0] > tally.compared / 50, "\(hook)")
        }
        print("\(tally.compared) doors compared, with \(tally.boundaries) boundaries of intervals: \(tally.hooks)")
    }

    @Test
    func `agree after every apply that nobody gets in whom the policy does not let in, and that nobody else stays out`()
        throws
    {
        let stage = try Self.stage()
        var connection = try KernelConnection(namespace: stage.hostNamespacePath)
        let host = try WholeHost(namespace: stage.hostNamespacePath)
        var random = RandomPolicy(seed: 20_261_126, wire: RandomHost.wire)
        var seen: [Entrance.Verdict: Int] = [:]
        var paths: Set<Path> = []
        for number in 0..<Self.audits {
            var policy = random.next()
            // What is behind a bridge that the policy does not name, an audit calls open.
            policy.interfaces.containers += RandomHost.bridges.compactMap { try? InterfaceName($0) }
            try connection.apply(Compiler.compile(policy).linearized())
            for entrance in try host.audit(&connection, policy) {
                // Answers to a container on the wire cannot be told from clients there: its rules let both in, and no service does.
                if entrance.door.path == .macvlan, entrance.door.port ?? 0 > 32767 {
                    #expect(!entrance.excess.isEmpty, "policy \(number), \(entrance)")
                    continue
                }
                // A port may be published, and be one of the machine's own for others: an audit calls that too many.
                if entrance.door.path == .proxy, policy.host != nil { continue }
                seen[entrance.verdict, default: 0] += 1
                paths.insert(entrance.door.path)
                let isRight = entrance.excess.isEmpty && entrance.missing.isEmpty && entrance.unknown.isEmpty
                #expect(isRight, "policy \(number), \(entrance)")
            }
        }
        #expect(seen[.asAllowed, default: 0] > 200)
        #expect(seen[.closed, default: 0] > 200)
        #expect(paths.isSuperset(of: [.dnat4, .dnat6, .proxy, .direct, .macvlan, .host]))
        print("\(seen.values.reduce(0, +)) entrances of \(Self.audits) hosts: \(seen)")
    }

    /// fe80::/10
    private static let linkLocal = AddressSet(
        v6: IntervalSet([UInt128(0xfe80) << 112...(UInt128(0xfec0) << 112) - 1]))

    /// Which of the two is right.
    private static func kernelSays(_ stage: Stage, _ door: RandomDoor, _ sources: AddressSet) throws -> String {
        let candidates =
            sources.v4.ranges.flatMap { [$0.lowerBound, $0.upperBound] }.map { IPAddress.v4(IPv4Address($0)) }
            + sources.v6.ranges.flatMap { [$0.lowerBound, $0.upperBound] }.map { IPAddress.v6(IPv6Address($0)) }
        guard let source = candidates.first(where: stage.canSend(from:)) else { return "no such packet can be sent" }
        let fate = try stage.fates(of: [door.shot(from: source)])[0]
        return "the kernel, asked by \(source): \(fate)"
    }

    private struct Proposal {
        var trial4: SourceTrial<UInt32>
        var trial6: SourceTrial<UInt128>

        init(_ ruleset: LinearRuleset) {
            trial4 = SourceTrial(ruleset)
            trial6 = SourceTrial(ruleset)
        }

        mutating func reach(_ approach: Approach) -> (allowed: AddressSet, notUnderstood: Set<String>) {
            switch approach.family {
            case .ipv4:
                let reach = trial4.reach(approach)
                return (AddressSet(v4: reach.allowed), reach.notUnderstood)
            case .ipv6:
                let reach = trial6.reach(approach)
                return (AddressSet(v6: reach.allowed), reach.notUnderstood)
            }
        }
    }

    private struct Tally {
        var compared = 0
        var differences = 0
        /// Doors that are open to some, and not to all.
        var open = 0
        var boundaries = 0
        var hooks: [BaseChain.Hook: Int] = [:]

        mutating func add(_ door: RandomDoor, _ allowed: AddressSet) {
            compared += 1
            hooks[door.approach.hook, default: 0] += 1
            boundaries += 2 * (allowed.v4.ranges.count + allowed.v6.ranges.count)
            if allowed.v4 != .all, allowed.v6 != .all, !allowed.isEmpty { open += 1 }
        }
    }
}

extension AddressSet {
    fileprivate var text: String { isEmpty ? "nobody" : "\(v4.ranges) \(v6.ranges)" }
}
