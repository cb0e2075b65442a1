import Addressing
import Nftables
import Testing

@Suite struct `Fields of keys` {
    static let fields: [KeyField] =
        [1...1, 1...255, 2...256, 255...255, 256...256, 0x0100_0000...0x0100_0000, 0...0xffff_ffff]
        .map { KeyField.ipv4($0) } + [1...1, 1...256, 1 << 120...1 << 121].map { .ipv6($0) }
        + [80...80, 80...443, 255...256, 256...256].map { .service($0) } + [6, 17].map { .proto($0) }
        + [.family(.ipv4), .family(.ipv6)] + ["eth0", "eth*", "lo"].compactMap { try? .interface(InterfaceName($0)) }

    @Test func `are in the order of the bytes that stand for them`() {
        #expect(Self.fields.count == 21)
        for left in Self.fields {
            for right in Self.fields {
                let isBefore =
                    left.low == right.low
                    ? left.high.lexicographicallyPrecedes(right.high) : left.low.lexicographicallyPrecedes(right.low)
                #expect((left < right) == isBefore, "\(left) \(right)")
            }
        }
    }
}
