import Foundation
import Glibc
import NftablesKernel
import TestSupport
import Testing

@Suite(.serialized, .requires(.root, .program("ip"), .nft, .iptables)) struct `An apply that is killed` {
    private static let kills = 200

    private struct Tally: CustomStringConvertible {
        var before = 0
        var during = 0
        var after = 0
        var tooLate = 0
        var undisturbed = 0

        var description: String {
            "killed before the commit \(before), during it \(during), after it \(after); ended before the kill \(tooLate); "
                + "left to end \(undisturbed)"
        }
    }

    /// Seeded, so that the delays of a failure come back, as far as a scheduler lets them.
    private static func delay(_ number: Int, within duration: Duration) -> Duration {
        var mixed = UInt64(number + 1) &* 0x9e37_79b9_7f4a_7c15
        mixed = (mixed ^ mixed >> 30) &* 0xbf58_476d_1ce4_e5b9
        return duration * Double(mixed >> 11) / Double(1 << 53)
    }

    @Test func `leaves one of two policies, whole, while others change other tables`() throws {
        try Installation.with("killed") { installation in
            let policies = try TwoPolicies(4000, for: installation)
            var look = try KernelConnection(namespace: installation.namespace.path)
            var tally = Tally()
            try Committer.during(installation.namespace) { committer in
                var side = TwoPolicies.Side.two
                // Of those that were left to end: from start to end, while there is company.
                var durations: [Duration] = []
                for number in 0..<Self.kills {
                    let target = side.other
                    try policies.write(target, to: installation)
                    let start = ContinuousClock.now
                    let apply = try installation.program("apply").launch()
                    if number % 20 == 0 {
                        // One that nobody kills always ends, and well.
                        let result = try apply.end()
                        durations.append(ContinuousClock.now - start)
                        #expect(result.status == 0, "\(result)")
                        side = try #require(try committer.resting { try policies.side(of: installation) })
                        #expect(side == target)
                        tally.undisturbed += 1
                        continue
                    }
                    pause(Self.delay(number, within: durations.sorted()[durations.count / 2] * 1.5))
                    apply.signal(SIGKILL)
                    // Whoever is dead begins no commit. What is not there yet, and is when the process has gone, was under way.
                    // Before that the kernel gives up a batch whose sender was killed (nfnetlink.c, nfnetlink_rcv_batch).
                    let claimed = try? policies.claimedSide(&look)
                    let result = try apply.end()
                    let found = try #require(
                        try policies.side(of: installation), "neither policy, after kill \(number)")
                    switch result.status {
                    case 0: tally.tooLate += 1
                    case 128 + SIGKILL where found == side: tally.before += 1
                    case 128 + SIGKILL where claimed == side: tally.during += 1
                    case 128 + SIGKILL: tally.after += 1
                    default: Issue.record("\(result)")
                    }
                    #expect(result.status != 0 || found == target)
                    side = found
                }
            }
            print("of \(Self.kills) applies: \(tally)")
            #expect(tally.before > 0 && tally.after + tally.during > 0, "\(tally)")
            // The directory of records is none the worse for it.
            try installation.run("apply").orThrow()
            #expect(try installation.run("status").status == 0)
            #expect(try installation.run("diff").status == 0)
        }
    }

    private func pause(_ time: Duration) {
        let parts = time.components
        Thread.sleep(forTimeInterval: Double(parts.seconds) + Double(parts.attoseconds) / 1e18)
    }
}
