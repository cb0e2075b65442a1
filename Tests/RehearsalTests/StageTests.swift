import Addressing
import Rehearsal
import TestSupport
import Testing

@Suite(.serialized, .requires(.root)) struct `A stage without rules` {
    @Test func `containers and the host answer, each for itself, and where nobody listens the kernel refuses`() throws {
        let stage = try Stage(.sample)
        let shots = try AddressFamily.allCases.flatMap { family in try Sample.shots(family) }
        let fates = try stage.fates(of: shots.map(\.shot))
        for ((shot, expected), fate) in zip(shots, fates) { #expect(fate == expected, "\(shot)") }
    }
}

enum Sample {
    static func address(_ text: String) throws -> IPAddress { try #require(IPAddress(text)) }

    static func shots(_ family: AddressFamily) throws -> [(shot: Shot, fate: Fate)] {
        let client = try address(family == .ipv4 ? "203.0.113.77" : "2001:db8:cafe::77")
        let host = try address(family == .ipv4 ? "192.0.2.1" : "2001:db8:1::1")
        let container = try address(family == .ipv4 ? "172.28.0.3" : "2001:db8:7::3")
        var shots: [(shot: Shot, fate: Fate)] = []
        for way in ["ext0", "ext1"] {
            for kind in [Shot.Kind.tcp, .udp, .ping, .strayAck, .sctp] {
                shots.append(
                    (
                        Shot(kind, from: client, to: container, port: 80, by: .interface(way)),
                        .answered(by: .container(1))
                    ))
            }
            for kind in [Shot.Kind.tcp, .udp, .ping] {
                shots.append(
                    (Shot(kind, from: client, to: host, port: 8080, by: .interface(way)), .answered(by: .host)))
            }
            for kind in [Shot.Kind.tcp, .udp, .strayAck] {
                shots.append((Shot(kind, from: client, to: host, port: 8081, by: .interface(way)), .refused))
            }
        }
        shots.append(
            (Shot(.tcp, from: container, to: client, port: 443, by: .container(1)), .answered(by: .outside)))
        shots.append((Shot(.udp, from: container, to: client, port: 53, by: .container(1)), .answered(by: .outside)))
        let other = try address(family == .ipv4 ? "172.28.0.2" : "2001:db8:7::2")
        shots.append(
            (Shot(.tcp, from: container, to: other, port: 80, by: .container(1)), .answered(by: .container(0))))
        return shots
    }
}

extension StageSetting {
    static var sample: Self {
        get throws {
            try Self(
                interfaces: [
                    Interface("ext0", [Sample.address("192.0.2.1"), Sample.address("2001:db8:1::1")]),
                    Interface("ext1", [Sample.address("198.51.100.1"), Sample.address("2001:db8:2::1")]),
                ],
                bridges: [
                    Bridge(
                        "docker0",
                        [
                            .init(gateway: Sample.address("172.28.0.1"), prefixLength: 16),
                            .init(gateway: Sample.address("2001:db8:7::1"), prefixLength: 64),
                        ])
                ],
                containers: [
                    Container(on: "docker0", [Sample.address("172.28.0.2"), Sample.address("2001:db8:7::2")]),
                    Container(on: "docker0", [Sample.address("172.28.0.3"), Sample.address("2001:db8:7::3")]),
                ],
                listeners: [PortRange(.tcp, 8080...8080), PortRange(.udp, 8080...8080)])
        }
    }
}
