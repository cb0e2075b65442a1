import Addressing
import Compiler
import Nftables
import NftablesKernel
import Reconcile
import Rehearsal
import Simulator
import TestSupport
import Testing

/// Seeded, so that a failure comes back.
@Suite(.serialized, .requires(.root, .nft)) struct `Random packets to random policies` {
    private static let policies = 80
    private static let packetsPerPolicy = 260

    @Test func `in twenty thousand of them the kernel and the simulator agree every time`() throws {
        let stage = try Stage(RandomHost.setting())
        _ = try stage.onHost {
            Result { try Program(["nft", "-f", "-"], input: RandomHost.translation()).run().orThrow() }
        }.get()
        var connection = try KernelConnection(namespace: stage.hostNamespacePath)
        var random = RandomPolicy(seed: 20_261_121, wire: RandomHost.wire)
        var generator = SeededGenerator(seed: 20_261_122)
        var (compared, unsendable, disagreements) = (0, 0, 0)
        var seen: [Fate: Int] = [:]
        for number in 0..<Self.policies {
            let desired = Compiler.compile(random.next()).linearized()
            try connection.apply(desired)
            let simulation = Simulation(desired)
            var packets = RandomPackets(desired)
            let tried = (0..<Self.packetsPerPolicy).map { _ in
                packets.next(&generator, where: stage.canSend(from:))
            }
            unsendable += packets.unsendable
            let fates = try stage.fates(of: tried.map(\.shot))
            for (packet, fate) in zip(tried, fates) {
                let expected = packet.expected(by: simulation)
                compared += 1
                seen[fate, default: 0] += 1
                if fate == expected { continue }
                disagreements += 1
                if disagreements <= 20 {
                    Issue.record(
                        "policy \(number), \(packet.shot): \(fate), and the simulator says \(String(describing: expected))"
                    )
                }
            }
        }
        #expect(disagreements == 0)
        #expect(compared == Self.policies * Self.packetsPerPolicy)
        #expect(compared >= 20_000)
        // None of it is a world in which nothing gets through, or everything.
        for fate in [Fate.silent, .refused, .answered(by: .host), .answered(by: .outside)]
            + (0..<4).map({ .answered(by: .container($0)) })
        {
            #expect(seen[fate, default: 0] > compared / 100, "\(fate)")
        }
        // Every packet was sent: those sources were drawn again that no packet can have.
        print("\(compared) packets compared, \(unsendable) sources drawn again: \(seen)")
    }
}

extension KernelConnection {
    /// Makes the table what it is to be.
    mutating func apply(_ desired: LinearRuleset) throws {
        let live = try readTable(named: Compiler.tableName)
        let difference = Difference(from: live?.ruleset, to: desired)
        try commit(
            Transaction(table: Compiler.tableName, changes: difference.changes, generation: live?.generation))
    }
}
