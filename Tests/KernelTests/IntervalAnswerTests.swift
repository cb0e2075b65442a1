import Addressing
import Compiler
import Nftables
import Simulator
import Testing

/// What is said of some sources, against what is said of all.
@Suite struct `The interval answer` {
    @Test func `of some sources is that of all, as far as they go`() throws {
        var random = RandomPolicy(seed: 20_261_123)
        for number in 0..<50 {
            let ruleset = Compiler.compile(random.next()).linearized()
            var trial = SourceTrial<UInt32>(ruleset)
            for _ in 0..<20 {
                let approach = Self.approach(&random.generator)
                guard approach.family == .ipv4 else { continue }
                let all = trial.reach(approach).allowed
                let low = 0xcb00_7100 + UInt32.random(in: 0...200, using: &random.generator)
                let some = IntervalSet([low...low + UInt32.random(in: 0...20, using: &random.generator)])
                #expect(trial.reach(approach, of: some).allowed == all.intersection(some), "policy \(number)")
            }
        }
    }

    private static let hosts: [IPAddress] = ["192.0.2.1", "198.51.100.1", "2001:db8:1::1", "127.0.0.1", "192.0.2.9"]
        .compactMap { IPAddress($0) }
    private static let containers: [IPAddress] = ["172.28.0.2", "172.28.0.3", "2001:db8:7::2"]
        .compactMap { IPAddress($0) }

    private static func approach(_ generator: inout SeededGenerator) -> Approach {
        let transport = TransportProtocol.allCases.randomElement(using: &generator) ?? .tcp
        let port = UInt16.random(in: 7998...8042, using: &generator)
        let interface = ["ext0", "ext1", "wg0", "eth9", "docker0", "br-1", "lo"].randomElement(using: &generator) ?? ""
        let bridge = ["docker0", "br-1", "podman0", "eth9"].randomElement(using: &generator) ?? ""
        let address = Int.random(in: 0..<3, using: &generator) == 0 ? nil : hosts.randomElement(using: &generator)
        let family = address?.family ?? AddressFamily.allCases.randomElement(using: &generator) ?? .ipv4
        switch Int.random(in: 0..<3, using: &generator) {
        case 0: return .forwarded(family, transport, port, on: address, from: interface, to: bridge)
        case 1: return .delivered(family, transport, port, on: address, from: interface)
        default:
            let container = containers.randomElement(using: &generator) ?? containers[0]
            return .direct(container.family, transport, port, on: container, from: interface, to: bridge)
        }
    }
}
