import Addressing
import HostRules
import Reachability
import Testing

@Suite struct `Instructions for all sources at once` {
    func judged(_ rules: [[Instruction]], sets: [HostSet] = [], _ more: [HostChain] = []) -> Answer {
        HandWritten([.at(.input, 0, rules)] + more, sets: sets).ask("192.0.2.1", 443)
    }

    let source = Instruction.loadPayload(base: 1, offset: 12, length: 4, into: 0)

    @Test func `a prefix under a mask`() {
        let answer = judged([
            [
                source, .bitwise(0, mask: [255, 255, 255, 0], xor: [0, 0, 0, 0], into: 0),
                .compare(0, operation: 0, [203, 0, 113, 0]),
            ]
                + Rule.drop
        ])
        #expect(answer.closed.v4.ranges.map(\.text) == ["203.0.113.0/24"])
    }

    @Test func `a prefix of whole bytes, as a shorter load`() {
        let answer = judged([
            [.loadPayload(base: 1, offset: 12, length: 2, into: 0), .compare(0, operation: 1, [203, 0])] + Rule.drop
        ])
        #expect(answer.open.v4.ranges.map(\.text) == ["203.0.0.0/16"])
    }

    @Test(arguments: [
        (UInt32(2), "0.0.0.0-203.0.113.8"), (3, "0.0.0.0-203.0.113.9"), (4, "203.0.113.10-255.255.255.255"),
        (5, "203.0.113.9-255.255.255.255"),
    ])
    func `an order`(operation: UInt32, expected: String) {
        let answer = judged([[source, .compare(0, operation: operation, [203, 0, 113, 9])] + Rule.drop])
        #expect(answer.closed.v4.ranges.map(\.text) == [expected])
    }

    @Test func `a range, and all but it`() {
        let range = Instruction.range(0, from: [203, 0, 113, 4], to: [203, 0, 113, 7], inverted: false)
        #expect(judged([[source, range] + Rule.drop]).closed.v4.ranges.map(\.text) == ["203.0.113.4/30"])
        let others = Instruction.range(0, from: [203, 0, 113, 4], to: [203, 0, 113, 7], inverted: true)
        #expect(judged([[source, others] + Rule.drop]).open.v4.ranges.map(\.text) == ["203.0.113.4/30"])
    }

    @Test func `source and destination in one load, as nft joins them`() {
        let both: [Instruction] = [
            .loadPayload(base: 1, offset: 12, length: 8, into: 0),
            .compare(0, operation: 0, [203, 0, 113, 9, 192, 0, 2, 1]),
        ]
        #expect(judged([both + Rule.drop]).closed.v4.ranges.map(\.text) == ["203.0.113.9"])
    }

    @Test func `a set of intervals, and an inverted look into it`() {
        let set = HostSet(
            name: "office", keyLength: 4,
            elements: [
                .init(low: [203, 0, 113, 0], high: [203, 0, 113, 127]),
                .init(low: [198, 51, 100, 7], high: [198, 51, 100, 7]),
            ])
        let answer = judged([[source, .lookup(set: "office", 0, inverted: true)] + Rule.drop], sets: [set])
        #expect(answer.open.v4.ranges.map(\.text) == ["198.51.100.7", "203.0.113.0/25"])
    }

    @Test func `a verdict map, its intervals, and what matches whatever else does not`() {
        let map = HostSet(
            name: "ports", keyLength: 2,
            elements: [
                .init(low: [0, 80], high: [0, 80], verdict: .drop),
                .init(low: [1, 0], high: [1, 255], verdict: .goto("web")),
            ], catchall: .init(low: [], high: [], verdict: .drop))
        let rule: [Instruction] = [
            .loadPayload(base: 2, offset: 2, length: 2, into: 0), .lookupVerdict(map: "ports", 0),
        ]
        let host = HandWritten(
            [
                .at(.input, 0, [rule, Rule.drop]),
                .named("web", [Rule.source("203.0.113.9") + Rule.accept, Rule.drop]),
            ], sets: [map])
        #expect(host.ask("192.0.2.1", 443).open.v4.ranges.map(\.text) == ["203.0.113.9"])
        #expect(host.ask("192.0.2.1", 80).isClosedToAll)
        #expect(host.ask("192.0.2.1", 22).isClosedToAll)
    }

    @Test func `a concatenation of source and port`() {
        let set = HostSet(
            name: "pairs", keyLength: 8, fieldLengths: [4, 2],
            elements: [
                .init(low: [203, 0, 113, 0, 1, 187, 0, 0], high: [203, 0, 113, 255, 1, 187, 0, 0]),
                .init(low: [198, 51, 100, 7, 0, 80, 0, 0], high: [198, 51, 100, 7, 0, 80, 0, 0]),
            ])
        let rule: [Instruction] = [
            source, .loadPayload(base: 2, offset: 2, length: 2, into: 1), .lookup(set: "pairs", 0, inverted: false),
        ]
        #expect(judged([rule + Rule.accept, Rule.drop], sets: [set]).open.v4.ranges.map(\.text) == ["203.0.113.0/24"])
    }

    @Test func `a map from port to where DNAT leads`() {
        let map = HostSet(
            name: "to", keyLength: 2, elements: [.init(low: [1, 187], high: [1, 187], data: [172, 17, 0, 5])])
        let rule: [Instruction] = [
            .loadPayload(base: 2, offset: 2, length: 2, into: 0), .lookupValue(map: "to", 0, into: 1),
            .destinationNAT(address: 1, port: nil),
        ]
        let host = HandWritten(.ip, [.at(.prerouting, -100, type: "nat", [rule])], sets: [map])
        #expect(
            Array(host.ask("192.0.2.1", 443).arrivals.keys) == [
                .forwarded(IPAddress("172.17.0.5"), port: 443, interface: "docker0")
            ])
        #expect(Array(host.ask("192.0.2.1", 80).arrivals.keys) == [.delivered(IPAddress("192.0.2.1"), port: 80)])
    }

    @Test func `a return goes on behind the jump, a goto does not come back to it`() {
        let office = HostChain.named("office", [Rule.source("203.0.113.9") + [.verdict(.return)], Rule.accept])
        let jump = HandWritten([.at(.input, 0, [[.verdict(.jump("office"))], Rule.drop]), office]).ask("192.0.2.1", 22)
        #expect(jump.closed.v4.ranges.map(\.text) == ["203.0.113.9"])
        let goto = HandWritten([.at(.input, 0, [[.verdict(.goto("office"))], Rule.drop]), office]).ask("192.0.2.1", 22)
        #expect(goto.isOpenToAll)
    }

    @Test func `only a SYN opens a connection, and its ECN bits do not matter`() {
        let flags: [Instruction] = [
            .loadPayload(base: 2, offset: 13, length: 1, into: 0), .bitwise(0, mask: [0x17], xor: [0], into: 0),
            .compare(0, operation: 1, [2]),
        ]
        #expect(judged([flags + Rule.drop]).isOpenToAll)
        #expect(judged([[.xtables(.tcpFlags(mask: 0x17, compare: 2, inverted: false))] + Rule.drop]).isClosedToAll)
    }

    @Test func `xtables' conntrack, with what was dialled and where it goes`() {
        var match = XtablesConntrack()
        match.originalDestinationPort = .init(8081...8081, inverted: false)
        match.isOriginal = .init(true, inverted: false)
        let rule: [Instruction] = [
            .xtables(.conntrack(match)),
            .xtables(.sourceRange(from: [203, 0, 113, 0], to: [203, 0, 113, 9], inverted: true)),
        ]
        let user = HostTable(family: .ip, name: "user", chains: [.at(.forward, -1, [rule + Rule.drop])])
        let answer = HandWritten.docker([user]).ask("192.0.2.1", 8081)
        #expect(answer.open.v4.ranges.map(\.text) == ["203.0.113.0-203.0.113.9"])
        #expect(HandWritten.docker([user]).ask("172.17.0.2", 80).isOpenToAll)
    }

    @Test func `xtables' DNAT behind an address type`() {
        let local: [Instruction] = [
            .xtables(.addressType(source: 0, sourceInverted: false, destination: 4, destinationInverted: false)),
            .xtables(.destinationPorts([8081...8081], inverted: false)),
            .xtablesTarget(.destinationNAT(address: [172, 17, 0, 2], port: 80)),
        ]
        let host = HandWritten(.ip, [.at(.prerouting, -100, type: "nat", [local])])
        #expect(
            Array(host.ask("192.0.2.1", 8081).arrivals.keys) == [
                .forwarded(IPAddress("172.17.0.2"), port: 80, interface: "docker0")
            ])
        #expect(
            Array(host.ask("172.17.0.9", 8081).arrivals.keys) == [
                .forwarded(IPAddress("172.17.0.9"), port: 8081, interface: "docker0")
            ])
    }

    @Test func `a redirect ends at the machine itself`() {
        let rule: [Instruction] = [.loadImmediate([0x1f, 0x90], into: 0), .redirect(port: 0)]
        let host = HandWritten(.ip, [.at(.prerouting, -100, type: "nat", [Rule.port(443) + rule])])
        #expect(Array(host.ask("192.0.2.2", 443).arrivals.keys) == [.delivered(IPAddress("192.0.2.1"), port: 8080)])
    }

    @Test func `twenty thousand addresses are looked up once for all ports`() {
        let elements = (0..<20_000).map { number in
            let address = Rule.octets(IPv4Address(0x0a00_0000 + UInt32(number) * 2).description)
            return HostSet.Element(low: address, high: address)
        }
        let set = HostSet(name: "many", keyLength: 4, elements: elements)
        let host = HandWritten(
            [
                .at(.input, 0, [[.verdict(.jump("list"))], Rule.drop]),
                .named("list", [[source, .lookup(set: "many", 0, inverted: false)] + Rule.accept]),
            ],
            sets: [set])
        var reachability = Reachability(HostRuleset(generation: 1, tables: host.tables), topology: host.topology)
        for port in UInt16(1)...10 {
            let answer = reachability.answer(
                Approach(interface: "ext0", transport: .tcp, address: .v4(IPv4Address(0xc000_0201)), port: port))
            #expect(answer.open.v4.ranges.count == 20_000)
        }
    }
}
