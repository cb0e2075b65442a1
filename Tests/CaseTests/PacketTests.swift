import TestSupport
import Testing

/// Every line of every `packets.txt` is sent, and the fates are the same by whatever way the rules came into the kernel.
@Suite(.requires(Requirement.packets + [.conntrack])) struct `Every packet meets its fate` {
    /// Not counting those whom the engine itself shuts out. Each form sees them all.
    @Test(arguments: [DockerEngine.iptables28, .iptables29, .nftables29])
    func `and there are enough of them`(engine: DockerEngine) throws {
        let distinct = try Case.names().flatMap { name in
            let bench = try CaseBench(engine, name)
            return Set(try bench.it.packets.filter { try !bench.isClosedByEngine($0) }.map(\.description))
        }
        #expect(distinct.count >= 150)
    }

    @Test(arguments: try Case.names()) func `on Docker 28`(name: String) throws {
        try CaseBench(.iptables28, name).run()
    }

    @Test(arguments: try Case.names()) func `on Docker 29`(name: String) throws {
        try CaseBench(.iptables29, name).run()
    }

    @Test(arguments: try Case.names()) func `on Docker 29 with nftables`(name: String) throws {
        try CaseBench(.nftables29, name).run()
    }

    /// It does nothing itself about direct routes, and has docker-proxy answer for dual-stack networks. Gateway modes it has none.
    @Test(arguments: try Case.names().filter { $0 != "routed" }) func `on Docker 20`(name: String) throws {
        try CaseBench(.iptables20, name).run()
    }
}
