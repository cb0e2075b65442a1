import TestSupport
import Testing

@Suite(.serialized, .requires(.root, .program("ip"), .nft))
struct `An apply in the company of one who commits without a pause` {
    @Test func `ends, with a hundred thousand addresses too`() throws {
        try Installation.with("company") { installation in
            let policies = try TwoPolicies(100_000, for: installation)
            try Committer.during(installation.namespace, usingIptables: false) { _ in
                // The other one is in force.
                try policies.write(.one, to: installation)
                let result = try installation.run("apply")
                #expect(result.status == 0, "\(result.error)")
                #expect(result.error.contains("made anew in one step"), "\(result.error)")
            }
            #expect(try policies.side(of: installation) == .one)
            #expect(try installation.run("diff").status == 0)
        }
    }

    /// What an apply remembers must be what the kernel holds, also where somebody slipped in behind its commit.
    @Test func `remembers nothing that it has not seen`() throws {
        try Installation.with("company") { installation in
            let policies = try TwoPolicies(200, for: installation)
            // Deletes one element of ours whenever it is there, at whatever moment that is.
            let loop = "while :; do nft delete element inet dockernft group-many-v4 '{ 10.0.0.0 }' 2>/dev/null; done"
            for number in 0..<30 {
                let side: TwoPolicies.Side = number % 2 == 0 ? .one : .two
                try policies.write(side, to: installation)
                let thief = try installation.namespace.enter { try Program(["sh", "-c", loop]).launch() }
                _ = try installation.run("apply")
                thief.signal(9)
                _ = try thief.end()
                let isWhole = try policies.side(of: installation) == side
                #expect(try installation.run("diff").status == (isWhole ? 0 : 1), "round \(number)")
                #expect(try installation.run("status").status == (isWhole ? 0 : 1), "round \(number)")
            }
        }
    }
}
