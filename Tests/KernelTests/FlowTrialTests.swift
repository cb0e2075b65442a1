import Addressing
import Compiler
import Nftables
import Testing

@testable import Simulator

/// Seeded, so that a failure comes back.
@Suite struct `An open connection that a change may end` {
    private static let clients = [
        "203.0.113.7", "203.0.113.200", "198.51.100.9", "0.0.0.1", "2001:db8:0:7::1", "2001:db8:ff::",
    ]
    .compactMap { IPAddress($0) }
    private static let hosts = [
        "192.0.2.1", "198.51.100.1", "127.0.0.1", "192.0.2.9", "2001:db8:1::1", "2001:db8:9::9",
    ]
    .compactMap { IPAddress($0) }
    private static let servers = [
        "172.28.0.2", "172.28.0.3", "172.17.0.9", "233.252.0.1", "2001:db8:7::2", "2001:db8:66::1",
    ]
    .compactMap { IPAddress($0) }

    private func flow(_ random: inout SeededGenerator) -> Flow? {
        guard let client = Self.clients.randomElement(using: &random),
            let host = Self.hosts.filter({ $0.family == client.family }).randomElement(using: &random),
            let server = Self.servers.filter({ $0.family == client.family }).randomElement(using: &random),
            let transport = TransportProtocol.allCases.randomElement(using: &random),
            let input = ["ext0", "ext1", "wg3", "eth9", "docker0", "br-a", "-"].randomElement(using: &random),
            let output = ["docker0", "br-a", "podman1", "ext1", "eth9", nil].randomElement(using: &random)
        else { return nil }
        let ports: [UInt16] = [80, 8000, 8004, 8011, 8019, 8027, 8030, 8038, 22, 40001]
        let port = ports.randomElement(using: &random) ?? 80
        let isTranslated = output != nil && Bool.random(using: &random)
        let dialled = output == nil || isTranslated ? Endpoint(host, port) : Endpoint(server, port)
        return Flow(
            transport: transport, client: Endpoint(client, 50000), dialled: dialled,
            server: isTranslated ? Endpoint(server, 80) : dialled, isTranslated: isTranslated, iifname: input,
            oifname: output)
    }

    @Test func `is judged by intervals as by its next packet`() {
        var policies = RandomPolicy(seed: 22)
        var random = SeededGenerator(seed: 22)
        var before: LinearRuleset?
        var counts: [String: Int] = [:]
        var (odd, all) = (0, 0)
        for number in 0..<60 {
            let after = Compiler.compile(policies.next()).linearized()
            var trial = FlowTrial(before: before, after: after)
            for _ in 0..<300 {
                guard let flow = flow(&random) else { continue }
                let fate = trial.fate(of: flow)
                let simulated = trial.fate(bySimulating: flow)
                #expect(fate.word == simulated.word, "policy \(number): \(flow)")
                counts[fate.word, default: 0] += 1
            }
            odd += trial.answers.values.count { $0.isOdd }
            all += trial.answers.count
            before = after
        }
        // Of each there are some, or nothing was compared.
        for word in ["goes on", "ends", "has ended"] { #expect(counts[word, default: 0] > 500, "\(counts)") }
        #expect(counts["unknown"] == nil)
        // Of which the comparison says nothing.
        #expect(odd * 10 < all, "\(odd) of \(all)")
    }
}

extension FlowTrial.Fate {
    fileprivate var word: String {
        switch self {
        case .goesOn: "goes on"
        case .ends: "ends"
        case .hasEnded: "has ended"
        case .unknown: "unknown"
        }
    }
}
