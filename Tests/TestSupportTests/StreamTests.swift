import Addressing
import TestSupport
import Testing

@Suite(.serialized, .requiresPackets) struct `Streams` {
    static let containers = [Container("db", publish: ["5432:5432", "5432:5432/udp"])]

    @Test(arguments: [TransportProtocol.tcp, .udp], ["192.0.2.1:5432", "[2001:db8:1::1]:5432"])
    func `a stream flows until a rule cuts it, and again after`(transport: TransportProtocol, port: String) throws {
        let source = port.hasPrefix("[") ? "2001:db8:10::7" : "203.0.113.7"
        try DockerHost.with(.iptables28, Self.containers) { host in
            let stream = try host.stream(transport, from: source, to: port)
            #expect(stream.flow().isFlowingBothWays)
            try host.load(
                """
                table inet cut {
                    chain forward { type filter hook forward priority filter - 10; iifname ext0 drop; oifname ext0 drop; }
                    chain input { type filter hook input priority filter - 10; iifname ext0 meta l4proto { tcp, udp } drop; }
                    chain output { type filter hook output priority filter - 10; oifname ext0 meta l4proto { tcp, udp } drop; }
                }
                """)
            #expect(stream.flow() == .none)
            try host.load("delete table inet cut")
            try stream.waitUntilFlowing()
            stream.close()
            #expect(stream.flow() == .none)
        }
    }

    @Test func `a revoked UDP client still gets what the server pushes, when only the original direction is cut`()
        throws
    {
        try DockerHost.with(.iptables28, Self.containers) { host in
            let stream = try host.stream(.udp, from: "203.0.113.7", to: "192.0.2.1:5432", .serverOnly)
            try host.load(
                "table inet cut { chain f { type filter hook forward priority filter - 10; iifname ext0 drop; }; }")
            let flow = stream.flow()
            #expect(flow.toServer == 0)
            #expect(flow.toClient > 5)
        }
    }
}
