import Addressing
import Foundation
import NftablesKernel
import Reachability
import TestSupport
import Testing

/// What real engines were measured to let in (the paths of an engine with every kind of network), asked of their rules.
@Suite(.serialized, .requires(.root, .nft)) struct `Reachability on recorded engines` {
    enum Recorded: String, CaseIterable {
        case iptables20 = "20.10.24-iptables"
        case iptables26 = "26.1.5-iptables"
        case iptables28 = "28.5.2-iptables"
        case nftables29 = "29dev-nftables"

        /// Since 28 Docker drops in the raw table what is dialled at a container's own address.
        var refusesDirect: Bool { self == .iptables28 || self == .nftables29 }
        var hasRouted: Bool { refusesDirect }
    }

    struct Question: CustomStringConvertible {
        var from: String
        var to: String
        var port: UInt16
        /// `forwarded`, `delivered` or nil for closed.
        var end: String?

        init(_ to: String, _ port: UInt16, from: String? = nil, _ end: String?) {
            self.to = to
            self.port = port
            self.from = from ?? (to.contains(":") ? "2001:db8:1::66" : "192.0.2.66")
            self.end = end
        }

        var description: String { "\(from) -> \(to) \(port)" }
    }

    func questions(_ engine: Recorded) -> [Question] {
        let direct = engine.refusesDirect ? nil : "forwarded"
        return [
            Question("192.0.2.1", 8081, "forwarded"), Question("198.51.100.1", 8081, "forwarded"),
            Question("172.17.0.1", 8081, "forwarded"), Question("2001:db8:1::1", 8081, "delivered"),
            Question("fe80::1", 8081, from: "fe80::66", "delivered"),
            Question("2001:db8:1::1", 8061, "forwarded"),
            Question("fe80::1", 8061, from: "fe80::66", engine.refusesDirect ? "delivered" : nil),
            Question("172.17.0.2", 80, direct), Question("172.17.0.2", 81, nil), Question("172.29.0.2", 80, nil),
            Question("2001:db8:6::2", 80, direct), Question("2001:db8:6::2", 81, nil),
            Question("172.17.0.4", 80, direct), Question("172.17.0.7", 80, direct),
            Question("192.0.2.1", 8082, "forwarded"), Question("192.0.2.2", 8082, "delivered"),
            Question("198.51.100.1", 8083, "forwarded"), Question("192.0.2.1", 8083, "delivered"),
            Question("127.0.0.1", 8084, direct), Question("127.0.0.1", 8081, "forwarded"),
            Question("127.0.0.1", 22, nil), Question("192.0.2.1", 8086, "forwarded"),
        ]
            + (engine.hasRouted
                ? [
                    Question("172.28.0.2", 80, "forwarded"), Question("172.28.0.2", 81, nil),
                    Question("2001:db8:7::2", 80, "forwarded"), Question("2001:db8:7::2", 81, nil),
                    Question("172.27.0.2", 80, "forwarded"), Question("172.27.0.2", 81, "forwarded"),
                    Question("2001:db8:8::2", 81, "forwarded"),
                ] : [])
    }

    static func recorded(_ engine: Recorded) throws -> String {
        let root = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../..")
        let text = try String(
            contentsOf: root.appending(path: "nft/docker/\(engine.rawValue)/every-path.nft"), encoding: .utf8)
        // nft 1.0.6 knows no names for priorities of output. Where it recorded, it left xtables' targets out, or named them.
        return text.replacing("priority dstnat", with: "priority -100").replacing(
            "priority srcnat", with: "priority 100"
        )
        .replacing("xt target \"MASQUERADE\"", with: "masquerade")
        .replacing(/(dport 806. counter packets \d+ bytes \d+) +(?:xt target "DNAT")? *#/) {
            "\($0.1) dnat to [2001:db8:6::2]:80 #"
        }
    }

    static func topology() throws -> Topology {
        let forwards: Set<AddressFamily> = [.ipv4, .ipv6]
        func link(_ name: String, _ addresses: String...) -> Topology.Link {
            .init(name: name, addresses: addresses.compactMap { IPAddress($0) }, forwards: forwards)
        }
        func route(_ subnet: String, _ interface: String) throws -> Topology.Route {
            .init(try AddressText(subnet), interface: interface)
        }
        return Topology(
            links: [
                link("lo", "127.0.0.1", "::1"),
                link("ext0", "192.0.2.1", "192.0.2.2", "2001:db8:1::1", "fe80::1"), link("ext1", "198.51.100.1"),
                link("docker0", "172.17.0.1"), link("br-ub", "172.30.0.1"),
                link("br-n6", "172.31.0.1", "2001:db8:6::1"),
                link("br-rt", "172.28.0.1", "2001:db8:7::1"), link("br-up", "172.27.0.1", "2001:db8:8::1"),
                link("br-int", "172.29.0.1"),
            ],
            routes: try [
                route("172.17.0.0/16", "docker0"), route("172.30.0.0/24", "br-ub"), route("172.31.0.0/24", "br-n6"),
                route("2001:db8:6::/64", "br-n6"), route("172.28.0.0/24", "br-rt"), route("2001:db8:7::/64", "br-rt"),
                route("172.27.0.0/24", "br-up"), route("2001:db8:8::/64", "br-up"), route("172.29.0.0/24", "br-int"),
            ])
    }

    @Test(arguments: Recorded.allCases)
    func `what was measured is what the rules are found to say`(engine: Recorded) throws {
        try NetworkNamespace.with { namespace in
            try namespace.run("nft", "-f", "-", input: try Self.recorded(engine)).orThrow()
            var kernel = try KernelConnection(namespace: namespace.path)
            var reachability = Reachability(try kernel.readHost(), topology: try Self.topology())
            for question in questions(engine) {
                let address = try #require(IPAddress(question.to))
                let source = try #require(IPAddress(question.from))
                let answer = reachability.answer(
                    Approach(interface: "ext0", transport: .tcp, address: address, port: question.port))
                #expect(
                    answer.passage(from: source) == (question.end == nil ? .closed : .open),
                    "\(question) \(answer.doubts) \(answer.stops.filter { $0.value.contains(source) }.keys)")
                let ends = answer.arrivals.filter { $0.value.contains(source) }.keys.map { arrival in
                    switch arrival {
                    case .delivered: "delivered"
                    case .forwarded: "forwarded"
                    }
                }
                #expect(ends == [question.end].compactMap(\.self), "\(question)")
            }
        }
    }

    @Test func `over all of them nothing is unknown`() throws {
        for engine in Recorded.allCases {
            try NetworkNamespace.with { namespace in
                try namespace.run("nft", "-f", "-", input: try Self.recorded(engine)).orThrow()
                var kernel = try KernelConnection(namespace: namespace.path)
                var reachability = Reachability(try kernel.readHost(), topology: try Self.topology())
                for question in questions(engine) {
                    let address = try #require(IPAddress(question.to))
                    for transport in [TransportProtocol.tcp, .udp] {
                        let answer = reachability.answer(
                            Approach(interface: "ext1", transport: transport, address: address, port: question.port))
                        #expect(answer.unknown.isEmpty, "\(engine) \(question) \(answer.doubts)")
                    }
                }
            }
        }
    }
}
