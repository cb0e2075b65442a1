import Addressing
import Rehearsal
import TestSupport
import Testing

@Suite(.serialized, .requires(.root, .nft)) struct `Connections that are open before there are rules` {
    /// Of the port that was dialled, whether the connection goes on.
    private static func shots(_ family: AddressFamily) throws -> [(shot: Shot, fate: Fate)] {
        let (client, host) = (try Sample.client(family), try Sample.host(family))
        var shots: [(shot: Shot, fate: Fate)] = []
        for (number, kind) in [Shot.Kind.tcp, .udp].enumerated() {
            for way in ["ext0", "ext1"] {
                let shot = { (port: UInt16) in Shot(kind, from: client, to: host, port: port, by: .interface(way)) }
                shots.append((shot(9000), .answered(by: .container(0))))
                shots.append((shot(9001), .silent))
                shots.append((shot(9002), .refused))
                shots.append((shot(8080), .answered(by: .host)))
            }
            let (from, other) = (try Sample.container(1, family), try Sample.container(0, family))
            let out = { (destination: IPAddress, port: UInt16) in
                Shot(kind, from: from, to: destination, port: port, by: .container(1))
            }
            shots.append((out(client, 443), .answered(by: .outside)))
            shots.append((out(client, 444), number == 0 ? .silent : .answered(by: .outside)))
            shots.append((out(other, 80), .answered(by: .container(0))))
        }
        return shots
    }

    @Test func `go on as the rules let them that came later`() throws {
        let stage = try Stage(.sample)
        try stage.load(Sample.translation(of: "9000-9005"))
        let shots = try AddressFamily.allCases.flatMap(Self.shots)
        // Nobody listens there.
        let closed = try Shot(
            .tcp, from: Sample.client(.ipv4), to: Sample.host(.ipv4), port: 8081, by: .interface("ext0"))
        var connections = try stage.open(shots.map(\.shot) + [closed])
        try stage.load(
            """
            table inet guard {
                chain forward {
                    type filter hook forward priority 0; policy drop;
                    ct state new drop
                    ct direction reply accept
                    meta l4proto { tcp, udp } ct original proto-dst 9001 drop
                    meta l4proto tcp ct original proto-dst 9002 reject with tcp reset
                    meta l4proto udp ct original proto-dst 9002 reject
                    tcp dport 444 drop
                    accept
                }
                chain input {
                    type filter hook input priority 0; policy accept;
                    ct state new meta l4proto { tcp, udp } drop
                }
            }
            """)
        // The second time says the same: nothing was forgotten.
        for _ in 0..<2 {
            let fates = try stage.fates(of: &connections)
            #expect(fates.last == .some(nil))
            for ((shot, expected), fate) in zip(shots, fates) { #expect(fate == expected, "\(shot)") }
        }
        // First packets are others.
        let dialled = shots[0].shot
        #expect(try stage.fates(of: [dialled]) == [.silent])
    }
}
