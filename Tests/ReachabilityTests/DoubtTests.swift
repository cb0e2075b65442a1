import Addressing
import HostRules
import Reachability
import Testing

@Suite struct `What cannot be followed` {
    let nobody: [Instruction] = [.unknown("socket")]

    @Test func `an instruction that is not known makes the answer unknown, never closed`() {
        let answer = HandWritten([.at(.input, 0, [nobody + Rule.drop])]).ask("192.0.2.1", 22)
        #expect(answer.isUnknownToAll)
        #expect(answer.doubts.map(\.reason) == ["socket is not followed"])
        #expect(answer.doubts.first?.rule?.handle == 1)
    }

    @Test func `it does not matter where a later chain drops all`() {
        let answer = HandWritten([.at(.input, 0, [nobody + Rule.drop]), .at(.input, 10, [Rule.drop])]).ask(
            "192.0.2.1", 22)
        #expect(answer.isClosedToAll)
        #expect(answer.doubts.isEmpty)
    }

    @Test func `it does not matter to whom it is not put`() {
        let answer = HandWritten([.at(.input, 0, [Rule.source("203.0.113.9") + nobody])]).ask("192.0.2.1", 22)
        #expect(answer.from("203.0.113.9") == .unknown)
        #expect(answer.from("203.0.113.10") == .open)
    }

    @Test func `a limit before a drop is unknown, and before a log nothing`() {
        #expect(HandWritten([.at(.input, 0, [[.limit] + Rule.drop])]).ask("192.0.2.1", 22).isUnknownToAll)
        #expect(HandWritten([.at(.input, 0, [[.limit, .noEffect("log")]])]).ask("192.0.2.1", 22).isOpenToAll)
        #expect(
            HandWritten([.at(.input, 0, [[.limit, .noEffect("log")], Rule.drop])]).ask("192.0.2.1", 22).isClosedToAll)
    }

    @Test func `a program behind a queue may say anything`() {
        #expect(HandWritten([.at(.input, 0, [[.verdict(.queue)]])]).ask("192.0.2.1", 22).isUnknownToAll)
    }

    @Test func `a set that packets change may hold a source and may not`() {
        let set = HostSet(
            name: "bad", keyLength: 4, elements: [.init(low: [203, 0, 113, 9], high: [203, 0, 113, 9])], isDynamic: true
        )
        let rule: [Instruction] = [
            .loadPayload(base: 1, offset: 12, length: 4, into: 0), .lookup(set: "bad", 0, inverted: false),
        ]
        #expect(HandWritten([.at(.input, 0, [rule + Rule.drop])], sets: [set]).ask("192.0.2.1", 22).isUnknownToAll)
    }

    @Test func `a mark is 0 until some rule sets one`() {
        let marked: [Instruction] = [.loadMeta(3, into: 0), .compare(0, operation: 0, [1, 0, 0, 0])] + Rule.accept
        let chain = HostChain.at(.input, 0, drops: true, [marked])
        #expect(HandWritten([chain]).ask("192.0.2.1", 22).isClosedToAll)
        let marker = HostChain.at(.prerouting, 0, [[.noEffect("meta mark set")]])
        #expect(HandWritten([chain, marker]).ask("192.0.2.1", 22).isUnknownToAll)
    }

    @Test func `a client's port is at its own choice, and so are ports below 1024`() {
        func from(_ range: ClosedRange<UInt16>) -> [Instruction] {
            [
                .loadMeta(16, into: 0), .compare(0, operation: 0, [6]),
                .loadPayload(base: 2, offset: 0, length: 2, into: 0),
                .range(0, from: Rule.bytes(range.lowerBound), to: Rule.bytes(range.upperBound), inverted: false),
            ]
        }
        #expect(HandWritten([.at(.input, 0, [from(53...53) + Rule.drop])]).ask("192.0.2.1", 22).isOpenToAll)
        #expect(HandWritten([.at(.input, 0, [from(1024...65535) + Rule.drop])]).ask("192.0.2.1", 22).isUnknownToAll)
        #expect(HandWritten([.at(.input, 0, [from(0...65535) + Rule.drop])]).ask("192.0.2.1", 22).isClosedToAll)
        // Whoever looks for a way in takes port 53.
        let lettingIn = HostChain.at(.input, 0, drops: true, [from(53...53) + Rule.accept])
        #expect(HandWritten([lettingIn]).ask("192.0.2.1", 22).isUnknownToAll)
        #expect(HandWritten([.at(.input, 0, [from(40000...40009) + Rule.drop])]).ask("192.0.2.1", 22).isUnknownToAll)
    }

    @Test func `DNAT to what is not known leaves everything open`() {
        let rule: [Instruction] = [
            .loadPayload(base: 1, offset: 4, length: 2, into: 4), .destinationNAT(address: 4, port: nil),
        ]
        let answer = HandWritten(.ip, [.at(.prerouting, -100, type: "nat", [Rule.port(8081) + rule])]).ask(
            "192.0.2.1", 8081)
        #expect(answer.isUnknownToAll)
    }

    @Test func `a chain that is jumped to and is not there decides nothing for certain`() {
        #expect(HandWritten([.at(.input, 0, [[.verdict(.jump("gone"))]])]).ask("192.0.2.1", 22).isUnknownToAll)
    }
}
