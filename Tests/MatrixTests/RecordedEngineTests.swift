import Testing

@testable import MatrixSupport
@testable import TestSupport

@Suite(.requires(Requirement.packets + [.conntrack])) struct `Every path on a recorded engine` {
    @Test(arguments: DockerEngine.allCases)
    func `is as the policy says, for everybody`(engine: DockerEngine) throws {
        try with(engine) { estate, inspection in
            for form in Form.allCases {
                try inspection.host.apply(estate.resolved(form))
                try inspection.expect(form, engine.rawValue)
            }
        }
    }

    /// The matrix itself: it sees a table that is not there, and one that lets in a source too many.
    @Test func `is found wrong where it is wrong`() throws {
        try with(.iptables28) { estate, inspection in
            #expect(try inspection.tally(.dockerAskedHostClosed).wrong.count >= 400)
            try inspection.host.apply(estate.resolved(.dockerAskedHostClosed))
            let refused = try #require(Caller.all.first { $0.name == "refused" }?.address4)
            try inspection.host.run(
                "nft", "insert rule inet dockernft forward ip saddr \(refused) tcp dport 80 accept"
            ).orThrow()
            let wrong = try inspection.tally(.dockerAskedHostClosed).wrong
            #expect(!wrong.isEmpty)
            #expect(wrong.allSatisfy { $0.contains("tcp \(refused) >") })
        }
    }

    /// The comparison with the audit: it sees rules that are not those in force.
    @Test func `is not what an audit of other rules says`() throws {
        try with(.nftables29) { estate, inspection in
            let rulesBefore = try inspection.agreement()
            try inspection.host.apply(estate.resolved(.dockerAsked))
            let after = try inspection.tally(.dockerAsked).after
            #expect(inspection.wrong(rulesBefore, after).contains { $0.contains("said to be open") })
            #expect(
                inspection.wrong(try inspection.agreement(), inspection.before).contains {
                    $0.contains("said to be closed")
                })
        }
    }

    /// The host of the matrix as it is without us.
    private func with(_ engine: DockerEngine, _ body: (Estate, Inspection) throws -> Void) throws {
        let estate = try Estate(hasGatewayModes: engine.closesDirectRoutes)
        try DockerHost.with(engine, estate.containers) { host in
            for (name, port) in Estate.hostPorts { try host.serve(name, at: .host, on: port) }
            try Estate.prepare(host)
            try Estate.withContainersOnTheWire(of: host) { onTheWire in
                let inspection = try Inspection(host, estate) { name in
                    onTheWire[name].map(Place.namespace) ?? .container(name)
                }
                try body(estate, inspection)
            }
        }
    }
}
