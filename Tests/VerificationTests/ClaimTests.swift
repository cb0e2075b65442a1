import Addressing
import Compiler
import Nftables
import Simulator
import Testing

@testable import Verification

@Suite struct `What a policy claims` {
    @Test func `is what the simulator says of the compiled ruleset`() throws {
        let policy = try RichPolicy.policy()
        let claims = Claims(policy, atMost: 20_000)
        let simulation = Simulation(Compiler.compile(policy).linearized())
        for claim in claims.claims {
            guard let packet = claim.packet(on: claims.scene), claim.path != .stray else { continue }
            let trace = simulation.trace(packet)
            #expect(
                (trace.fate == .accept) == (claim.ruling.outcome == .passes),
                "\(claim) \(trace.fate) \(trace.steps.last.map { "\($0)" } ?? "")")
        }
    }
}
