import Addressing
import Testing

private func text(_ address: AddressText) -> String {
    switch address {
    case .v4(let range): range.text
    case .v6(let range): range.text
    }
}

@Suite("The text of an address")
struct AddressTextTests {
    @Test(
        "is read and written back in one form",
        arguments: [
            ("192.0.2.1", "192.0.2.1"), ("0.0.0.0/0", "0.0.0.0/0"), ("255.255.255.255", "255.255.255.255"),
            ("192.0.2.0/24", "192.0.2.0/24"), ("192.0.2.1/32", "192.0.2.1"), ("192.0.2.0-192.0.2.255", "192.0.2.0/24"),
            ("192.0.2.1 - 192.0.2.9", "192.0.2.1-192.0.2.9"), ("::", "::"), ("::/0", "::/0"), ("::1", "::1"),
            ("1::", "1::"),
            ("2001:DB8::1", "2001:db8::1"), ("2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"),
            ("2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"), ("::ffff:192.0.2.1", "::ffff:192.0.2.1"),
            ("64:ff9b::192.0.2.33", "64:ff9b::c000:221"), ("1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"),
            ("1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"), ("::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8"), ("fe80::/10", "fe80::/10"),
            ("1:2:3:4:5:6:192.0.2.1", "1:2:3:4:5:6:c000:201"), ("2001:db8::-2001:db8::f", "2001:db8::/124"),
        ])
    func readable(written: String, canonical: String) throws {
        let address = try AddressText(written)
        #expect(text(address) == canonical)
        #expect(try AddressText(canonical) == address)
    }

    @Test(
        "is refused when it is no address",
        arguments: [
            "", " ", "1", "1.2.3", "1.2.3.4.5", "1.2.3.", ".1.2.3", "1..2.3", "256.0.0.1", "01.2.3.4", "1.2.3.004",
            "1.2.3.4 ",
            "a.b.c.d", "1.2.3.-4", "1.2.3.4:80", ":", ":::", "1:::2", "1::2::3", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9",
            "1:2:3:4:5:6:7:8::", "::1:2:3:4:5:6:7:8", "12345::", "g::", ":1", "1:", "1.2.3.4::", "::1.2.3",
            "::1.2.3.4.5",
            "1:2:3:4:5:6:7:1.2.3.4", "[::1]", "office", "-", "1.2.3.4-", "-1.2.3.4", "1.2.3.4-5",
            "1.2.3.4-1.2.3.5-1.2.3.6",
            "/8", "x/8", "٣.1.1.1", "0x7f.0.0.1",
        ])
    func unreadable(written: String) {
        #expect(throws: AddressTextError.notAnAddress) { try AddressText(written) }
    }

    @Test(
        "is refused with the reason",
        arguments: [
            ("1.2.3.4/33", AddressTextError.badPrefixLength(maximum: 32)), ("1.2.3.4/", .badPrefixLength(maximum: 32)),
            ("1.2.3.4/08", .badPrefixLength(maximum: 32)), ("1.2.3.4/+8", .badPrefixLength(maximum: 32)),
            ("::/129", .badPrefixLength(maximum: 128)), ("::/-1", .badPrefixLength(maximum: 128)),
            ("10.1.2.3/8", .hostBitsSet(network: "10.0.0.0/8", host: "10.1.2.3/32")),
            ("1.0.0.0/0", .hostBitsSet(network: "0.0.0.0/0", host: "1.0.0.0/32")),
            ("2001:db8::1/64", .hostBitsSet(network: "2001:db8::/64", host: "2001:db8::1/128")),
            ("1.2.3.4-::1", .mixedFamilies), ("::1-1.2.3.4", .mixedFamilies),
            ("1.2.3.5-1.2.3.4", .emptyRange(low: "1.2.3.5", high: "1.2.3.4")), ("fe80::1%eth0", .zone),
        ])
    func reasons(written: String, reason: AddressTextError) {
        #expect(throws: reason) { try AddressText(written) }
    }

    @Test("of any bytes is read or refused")
    func anyBytes() {
        var state: UInt64 = 1
        let alphabet = Array("0123456789abcdef:./-% ".utf8)
        for _ in 0..<20_000 {
            var bytes: [UInt8] = []
            for _ in 0..<24 {
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                bytes.append(alphabet[Int(state >> 33) % alphabet.count])
                if state >> 60 == 0 { break }
            }
            guard let address = try? AddressText(ascii: bytes.span) else { continue }
            #expect((try? AddressText(text(address))) == address)
        }
    }
}

@Suite("The name of an interface")
struct InterfaceNameTests {
    @Test("matches itself, or what begins with it")
    func matching() throws {
        #expect(try InterfaceName("eth0").matches("eth0"))
        #expect(try !InterfaceName("eth0").matches("eth01"))
        #expect(try InterfaceName("br-*").matches("br-1a2b"))
        #expect(try !InterfaceName("br-*").matches("br0"))
    }

    @Test(
        "is refused with the reason",
        arguments: [
            ("", InterfaceName.TextError.empty), ("*", .empty), ("sixteen-letters-", .tooLong),
            ("a b", .badCharacter(" ")),
            ("a/b", .badCharacter("/")), ("a:1", .badCharacter(":")), ("ä", .badCharacter("ä")), ("w*g", .starNotLast),
            ("**", .starNotLast), ("a\"b", .badCharacter("\"")),
        ])
    func refused(text: String, reason: InterfaceName.TextError) {
        #expect(throws: reason) { try InterfaceName(text) }
    }
}
