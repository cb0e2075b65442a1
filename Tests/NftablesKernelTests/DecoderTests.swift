import Addressing
import CNftnl
import Foundation
import Nftables
import Testing

@testable import NftablesKernel

/// These need no kernel: what a batch says and what a dump says is written in the same attributes.
struct DecoderTests {
    /// The messages of the batch that makes everything.
    private static func messages() throws -> [UInt8] {
        let batch = try Batch(Transaction(creating: try Everything.ruleset().linearized())).finalize()
        // SAFETY: the bytes are copied.
        return unsafe batch.messages.withBytes { unsafe Array($0) }
    }

    /// Reads bytes as if they were dumps, each message as what its type says it is.
    private static func read(_ bytes: [UInt8]) throws(MalformedMessage) -> LinearRuleset {
        var table = TableReader("t")
        var elements: [String: ElementReader] = [:]
        var messages = MessageCursor(unsafe bytes.span.bytes)
        while let message = try messages.next() {
            if try Answer(message) != nil { continue }
            let body = try message.payload.withoutGenericHeader()
            switch UInt32(message.type & 0xff) {
            case NFT_MSG_NEWTABLE.rawValue: try table.readTable(body)
            case NFT_MSG_NEWCHAIN.rawValue: try table.readChain(body)
            case NFT_MSG_NEWRULE.rawValue: try table.readRule(body)
            case NFT_MSG_NEWOBJ.rawValue: try table.readObject(body)
            case NFT_MSG_NEWSET.rawValue: try table.readSet(body)
            case NFT_MSG_NEWSETELEM.rawValue:
                guard let set = table.sets.last else { continue }
                try elements[set.name, default: ElementReader(set.header)].read(body)
            default: break
            }
        }
        for index in table.sets.indices {
            if let read = elements[table.sets[index].name]?.elements() { table.sets[index].elements = read }
        }
        return table.observed(generation: 0).ruleset
    }

    @Test func `What is encoded decodes to itself`() throws {
        #expect(try Self.read(Self.messages()) == Everything.ruleset().linearized())
    }

    @Test func `A message cut off anywhere is an error or a shorter table, never a crash`() throws {
        let bytes = try Self.messages()
        for length in bytes.indices { _ = try? Self.read(Array(bytes[..<length])) }
        #expect(throws: MalformedMessage.self) { try Self.read(Array(bytes[..<(bytes.count - 1)])) }
    }

    @Test func `Bytes that lie are an error or another table, never a crash`() throws {
        let bytes = try Self.messages()
        var random = SeededGenerator(seed: 6)
        for _ in 0..<6_000 {
            var lying = bytes
            for _ in 0..<Int.random(in: 1...8, using: &random) {
                lying[Int.random(in: lying.indices, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            _ = try? Self.read(lying)
        }
    }

    @Test func `Noise is an error or nothing, to every decoder, never a crash`() throws {
        var random = SeededGenerator(seed: 7)
        let sets = try Everything.ruleset().sets.map(\.header)
        for _ in 0..<15_000 {
            // Small numbers make attributes that fit now and then.
            let noise = (0..<Int.random(in: 0...96, using: &random)).map { _ in
                UInt8.random(in: 0...(Bool.random(using: &random) ? 24 : 255), using: &random)
            }
            let bytes = unsafe noise.span.bytes
            var table = TableReader("t")
            try? table.readTable(bytes)
            try? table.readChain(bytes)
            try? table.readRule(bytes)
            try? table.readObject(bytes)
            try? table.readSet(bytes)
            try? table.readFlowtable(bytes)
            _ = table.observed(generation: 0)
            _ = try? Expression(decoding: bytes)
            for set in sets {
                var reader = ElementReader(set)
                try? reader.read(bytes)
                _ = reader.elements()
            }
            _ = try? Self.read(noise)
            var userData = UserDataCursor(bytes)
            while let item = try? userData.next() { _ = item.payload.text() }
        }
    }

    @Test func `Ends without starts and starts without ends make no range that is backwards`() {
        var random = SeededGenerator(seed: 8)
        for _ in 0..<5_000 {
            var message: [UInt8] = []
            for _ in 0..<Int.random(in: 0...12, using: &random) {
                let key: [UInt8] = [0, 0, 0, UInt8.random(in: 0...6, using: &random)]
                let value = attribute(NFTA_SET_ELEM_KEY.rawValue, attribute(NFTA_DATA_VALUE.rawValue, key))
                let flags = attribute(NFTA_SET_ELEM_FLAGS.rawValue, [0, 0, 0, UInt8.random(in: 0...1, using: &random)])
                message += attribute(1, value + flags)
            }
            let list = attribute(NFTA_SET_ELEM_LIST_ELEMENTS.rawValue, message)
            var reader = ElementReader(NamedSet(name: "s", key: [.ipv4Address], elements: .keyed([])).header)
            #expect(throws: Never.self) { try reader.read(unsafe list.span.bytes) }
            _ = reader.elements()
        }
    }

    @Test func `An element that comes twice shows that others are missing`() throws {
        let key = attribute(
            NFTA_SET_ELEM_KEY.rawValue, attribute(NFTA_DATA_VALUE.rawValue, [192, 0, 2, 1]))
        let list = attribute(NFTA_SET_ELEM_LIST_ELEMENTS.rawValue, attribute(1, key))
        let header = NamedSet(name: "s", key: [.ipv4Address], isInterval: false, elements: .keyed([])).header
        var reader = ElementReader(header)
        try reader.read(unsafe list.span.bytes)
        var twice = reader
        _ = reader.elements()
        #expect(!reader.isTorn)
        try twice.read(unsafe list.span.bytes)
        _ = twice.elements()
        #expect(twice.isTorn)
    }

    @Test func `User data that is not of nft is odd, and no reason to read no further`() throws {
        let rule =
            attribute(NFTA_RULE_TABLE.rawValue, Array("t\0".utf8))
            + attribute(NFTA_RULE_CHAIN.rawValue, Array("c\0".utf8))
            + attribute(NFTA_RULE_USERDATA.rawValue, Array("made by hand".utf8))
        var table = TableReader("t")
        try table.readRule(unsafe rule.span.bytes)
        #expect(table.rules["c"]?.count == 1)
        #expect(table.oddities == [Oddity(.rule(handle: 0, chain: "c"), "has user data that nft does not show")])
    }

    @Test func `An error of the kernel is read with its words`() throws {
        let text = attribute(NLMSGERR_ATTR_MSG_NUMBER, Array("no such chain\0".utf8))
        let header: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0]
        let error: [UInt8] = [0xfe, 0xff, 0xff, 0xff] + header + text
        let length = UInt8(16 + error.count)
        let message: [UInt8] = [length, 0, 0, 0, 2, 0, 0, 3, 3, 0, 0, 0, 0, 0, 0, 0] + error
        var cursor = MessageCursor(unsafe message.span.bytes)
        var answer: Answer?
        while let received = try cursor.next() { answer = try Answer(received) }
        #expect(answer?.code == ENOENT)
        #expect(answer?.detail == "no such chain")
    }
}

/// `NLMSGERR_ATTR_MSG` of `linux/netlink.h`.
private let NLMSGERR_ATTR_MSG_NUMBER: UInt32 = 1

private func attribute(_ type: UInt32, _ payload: [UInt8]) -> [UInt8] {
    let length = UInt16(4 + payload.count)
    return length.hostOrder + UInt16(type).hostOrder + payload + Array(repeating: 0, count: (4 - payload.count % 4) % 4)
}

/// SplitMix64: the same numbers in every run.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var value = state
        value = (value ^ (value >> 30)) &* 0xbf58_476d_1ce4_e5b9
        value = (value ^ (value >> 27)) &* 0x94d0_49bb_1331_11eb
        return value ^ (value >> 31)
    }
}
