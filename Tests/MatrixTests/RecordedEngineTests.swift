import Testing

@testable import MatrixSupport
@testable import TestSupport

@Suite(.requires(Requirement.packets + [.conntrack])) struct `Every path on a recorded engine` {
    @Test(arguments: DockerEngine.allCases)
    func `is as the policy says, for everybody`(engine: DockerEngine) throws {
        let estate = try Estate(hasGatewayModes: engine.closesDirectRoutes)
        try DockerHost.with(engine, estate.containers) { host in
            for (name, port) in Estate.hostPorts { try host.serve(name, at: .host, on: port) }
            try Estate.prepare(host)
            let inspection = try Inspection(host, estate.cells + estate.insideCells { .container($0) })
            for form in Form.allCases {
                try host.apply(estate.resolved(form))
                let tally = try inspection.expect(form, engine.rawValue)
                #expect(tally.cells >= 400)
                #expect(tally.closed >= 200)
                #expect(tally.open >= 200)
            }
        }
    }
}
