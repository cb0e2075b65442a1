import Addressing
import Compiler
import Nftables
import Rehearsal
import Simulator
import Testing

/// The answer for all sources at once against the answer for one, at both sides of every boundary of the former.
@Suite struct `Intervals of sources` {
    private static let policies = 80
    private static let approachesPerPolicy = 100

    @Test func `begin and end where the packets of single sources begin and end to be let in`() throws {
        var random = RandomPolicy(seed: 20_261_121, wire: RandomHost.wire)
        var generator = SeededGenerator(seed: 20_261_123)
        var boundaries = 0
        for number in 0..<Self.policies {
            let desired = Compiler.compile(random.next()).linearized()
            let simulation = Simulation(desired)
            var trial4 = SourceTrial<UInt32>(desired)
            var trial6 = SourceTrial<UInt128>(desired)
            for _ in 0..<Self.approachesPerPolicy {
                let door = RandomDoor(&generator)
                let edges: [(source: IPAddress, isIn: Bool)]
                switch door.destination.family {
                case .ipv4: edges = Self.edges(try Self.reach(&trial4, door)) { .v4(IPv4Address($0)) }
                case .ipv6: edges = Self.edges(try Self.reach(&trial6, door)) { .v6(IPv6Address($0)) }
                }
                boundaries += edges.count
                for (source, isIn) in edges {
                    let packet = door.packet(from: source)
                    #expect((simulation.trace(packet).fate == .accept) == isIn, "policy \(number), \(packet)")
                }
            }
        }
        #expect(boundaries > 20_000)
    }

    private static func reach<Bits>(_ trial: inout SourceTrial<Bits>, _ door: RandomDoor) throws -> IntervalSet<Bits> {
        let reach = trial.reach(door.approach)
        try #require(reach.notUnderstood.isEmpty)
        return reach.allowed
    }

    private static func edges<Bits>(
        _ allowed: IntervalSet<Bits>, _ address: (Bits) -> IPAddress
    ) -> [(source: IPAddress, isIn: Bool)] {
        // An answer without a boundary is tried at the ends of the space.
        Set(allowed.ranges.flatMap(\.edges) + [.min, .max]).sorted().map { (address($0), allowed.contains($0)) }
    }
}
