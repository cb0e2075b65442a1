import CNftnl
import HostRules
import Testing

@testable import NftablesKernel

/// These need no kernel: what anybody put into a rule is read, whatever its bytes say.
struct ForeignDecoderTests {
    private static let matches = [
        "conntrack", "state", "addrtype", "tcp", "udp", "sctp", "multiport", "iprange", "mark", "comment", "other",
    ]
    private static let targets = ["DNAT", "REDIRECT", "SNAT", "MASQUERADE", "CT", "MARK", "OTHER"]

    @Test func `A structure that is too short is unknown`() {
        for name in Self.matches where name != "comment" {
            let blob = XtablesBlob(name: name, revision: 1, family: .ip, [])
            #expect(blob.matches == [.unknown(name)])
        }
        for name in ["DNAT", "REDIRECT", "CT"] {
            let blob = XtablesBlob(name: name, revision: 0, family: .ip, [1, 2, 3])
            #expect(blob.target == .xtablesTarget(.unknown(name)))
        }
    }

    @Test func `Bytes that lie about ports, ranges and counts never crash`() {
        var random = SeededGenerator(seed: 11)
        for _ in 0..<1_000 {
            let bytes = (0..<Int.random(in: 0...256, using: &random)).map { _ in
                UInt8.random(in: 0...255, using: &random)
            }
            for family in HostTable.Family.allCases {
                for revision in UInt32(0)...3 {
                    for name in Self.matches {
                        let blob = XtablesBlob(name: name, revision: revision, family: family, bytes)
                        #expect(!blob.matches.isEmpty)
                    }
                    for name in Self.targets {
                        _ = XtablesBlob(name: name, revision: revision, family: family, bytes).target
                    }
                }
            }
        }
    }

    @Test func `A revision that is not known is unknown`() {
        let bytes = [UInt8](repeating: 0, count: 512)
        for name in Self.matches {
            #expect(XtablesBlob(name: name, revision: 9, family: .ip, bytes).matches == [.unknown(name)])
        }
        for name in ["DNAT", "REDIRECT", "CT"] {
            let target = XtablesBlob(name: name, revision: 9, family: .ip, bytes).target
            #expect(target == .xtablesTarget(.unknown(name)))
        }
    }

    @Test func `An expression with an attribute that is not known is unknown`() throws {
        let register = Self.attribute(NFTA_META_DREG.rawValue, [0, 0, 0, 1])
        let key = Self.attribute(NFTA_META_KEY.rawValue, [0, 0, 0, 6])
        #expect(try Self.decode("meta", key + register) == [.loadMeta(6, into: 0)])
        #expect(try Self.decode("meta", key + register + Self.attribute(77, [0])) == [.unknown("meta")])
        #expect(try Self.decode("nobody", []) == [.unknown("nobody")])
        // The packet goes to a program, by one of several queues.
        #expect(try Self.decode("queue", []) == [.verdict(.queue)])
    }

    /// An element of `NFTA_RULE_EXPRESSIONS`, read.
    private static func decode(_ name: String, _ data: [UInt8]) throws -> [Instruction] {
        let bytes =
            attribute(NFTA_EXPR_NAME.rawValue, Array(name.utf8) + [0]) + attribute(NFTA_EXPR_DATA.rawValue, data)
        var decoder = InstructionDecoder(.ip)
        // SAFETY: any bytes are valid bytes.
        try decoder.read(unsafe bytes.span.bytes)
        return decoder.instructions
    }

    private static func attribute(_ type: UInt32, _ payload: [UInt8]) -> [UInt8] {
        let length = UInt16(4 + payload.count).littleEndian
        let header = [UInt8(length & 0xff), UInt8(length >> 8), UInt8(type & 0xff), UInt8(type >> 8)]
        return header + payload + [UInt8](repeating: 0, count: (4 - payload.count % 4) % 4)
    }
}
