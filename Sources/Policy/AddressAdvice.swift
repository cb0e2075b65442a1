internal import Addressing
internal import Diagnostics

/// What is said about a text that ought to be an address.
enum AddressAdvice {
    static let expected =
        "an address (`192.0.2.1`), a CIDR (`192.0.2.0/24`, `2001:db8::/32`) or a range (`192.0.2.1-192.0.2.9`)"
    static let expectedOrGroup = "a group, " + expected

    /// A text that its writer took for an address, and that no group may be named after.
    static func looksLikeAddress(_ text: String) -> Bool {
        switch Result(catching: { () throws(AddressTextError) in try AddressText(text) }) {
        case .success, .failure(.badPrefixLength), .failure(.hostBitsSet), .failure(.mixedFamilies),
            .failure(.emptyRange):
            return true
        case .failure(.zone):
            return text.contains(":")
        case .failure(.notAnAddress):
            let scalars = text.unicodeScalars
            guard scalars.contains(where: { ("0"..."9").contains($0) || $0 == ":" }) else { return false }
            let isDotted = scalars.allSatisfy { ("0"..."9").contains($0) || "./:-[]*".unicodeScalars.contains($0) }
            if isDotted { return scalars.contains { $0 == "." || $0 == ":" || $0 == "/" } }
            return scalars.count { $0 == ":" } >= 2
                && scalars.allSatisfy { $0.properties.isASCIIHexDigit || ":./-[]*".unicodeScalars.contains($0) }
        }
    }

    /// Null when the address can be a client's.
    static func problem(_ address: AddressText, _ text: String, at span: Span) -> Diagnostic? {
        switch address {
        case .v4(let range) where range.upperBound == 0:
            return unspecified(text, span, all: "0.0.0.0/0")
        case .v6(let range) where range.upperBound == 0:
            return unspecified(text, span, all: "\"::/0\"")
        case .v6(let range) where range.lowerBound >> 32 == 0xffff && range.upperBound >> 32 == 0xffff:
            let mapped = UInt32(truncatingIfNeeded: range.lowerBound)...UInt32(truncatingIfNeeded: range.upperBound)
            return .error(
                .mappedAddress, at: span,
                "\(quoted(text)) is an IPv4 address written in IPv6's notation, which is on no packet",
                expected: "the IPv4 address itself", help: "write `\(mapped.text)`")
        case .v4, .v6:
            return nil
        }
    }

    private static func unspecified(_ text: String, _ span: Span, all: String) -> Diagnostic {
        .error(
            .unspecifiedAddress, at: span, "\(quoted(text)) is nobody's address", expected: expectedOrGroup,
            help: "everyone is `anyone`; everyone of this address family is `\(all)`")
    }

    static func diagnostic(_ error: AddressTextError, _ text: String, at span: Span, expected: String) -> Diagnostic {
        switch error {
        case .notAnAddress:
            return .error(
                .badAddress, at: span, "\(quoted(text)) is not an address", expected: expected, help: advice(text))
        case .badPrefixLength(let maximum):
            let mask = text.split(separator: "/").dropFirst().first.flatMap { IPAddress(String($0)) }
            let length = mask.flatMap { prefixLength(ofMask: $0) }
            return .error(
                .badPrefixLength, at: span, "\(quoted(text)): the part after the `/` is not the length of a prefix",
                expected: "a number from 0 to \(maximum)",
                help: length.map { "this netmask is `/\($0)`" })
        case .hostBitsSet(let network, let host):
            return .error(
                .hostBitsSet, at: span,
                "\(quoted(text)) has bits set behind its prefix, so that it may mean two things",
                expected: "a network's first address before the `/`",
                help:
                    "write `\(network)` for the network, or `\(host.split(separator: "/").first ?? "")` for the one address"
            )
        case .mixedFamilies:
            return .error(
                .mixedFamilies, at: span, "the range \(quoted(text)) goes from one address family to the other",
                expected: "two addresses of IPv4, or two of IPv6", help: "write two ranges")
        case .emptyRange(let low, let high):
            return .error(
                .emptyRange, at: span, "the range \(quoted(text)) is empty: it ends before it begins",
                expected: "the lower address first", help: "write `\(high)-\(low)`")
        case .zone:
            return .error(
                .scopedAddress, at: span, "\(quoted(text)): a zone (`%`) is not part of an address in a packet",
                expected: expected,
                help: "leave out the `%` and what follows; to name an interface, use the service's `interfaces`")
        }
    }

    private static func prefixLength(ofMask mask: IPAddress) -> Int? {
        guard case .v4(let mask) = mask else { return nil }
        let inverted = ~mask.bits
        return inverted & (inverted &+ 1) == 0 ? mask.bits.nonzeroBitCount : nil
    }

    private static func advice(_ text: String) -> String? {
        guard text.utf8.count <= 200 else { return nil }
        if text.contains(" /") || text.contains("/ ") { return "remove the blanks around the `/`" }
        if text.contains(",") { return "write a list: `[\(text)]`" }
        if let space = text.firstIndex(of: " "), (try? AddressText(String(text[..<space]))) != nil {
            return "write one address here, and every other as an item of its own"
        }
        if text.hasPrefix("["), let end = text.firstIndex(of: "]") {
            return "write it without the brackets: `\(text[text.index(after: text.startIndex)..<end])`"
        }
        let colon = text.split(separator: ":", omittingEmptySubsequences: false)
        if colon.count == 2, IPAddress(String(colon[0])) != nil {
            return "a source has no port here: write `\(colon[0])`; the port belongs to the service's `publish`"
        }
        let (body, length) = halves(text, at: "/")
        let parts = body.split(separator: ".", omittingEmptySubsequences: false)
        if let star = parts.firstIndex(of: "*"), parts.count == 4, parts[star...].allSatisfy({ $0 == "*" }), star > 0 {
            let network = (parts[..<star] + Array(repeating: "0", count: 4 - star)).joined(separator: ".")
            return "write `\(network)/\(8 * star)`"
        }
        let (low, high) = halves(text, at: "-")
        if let high, IPAddress(String(low)) != nil, UInt64(digits: high) != nil, let dot = low.lastIndex(of: ".") {
            return "write the last address in full: `\(low)-\(low[...dot])\(high)`"
        }
        guard parts.allSatisfy({ part in !part.isEmpty && part.utf8.allSatisfy { (0x30...0x39).contains($0) } }) else {
            return nil
        }
        if parts.contains(where: { $0.count > 1 && $0.hasPrefix("0") }) {
            return "write its parts without leading zeroes: some programs take them for octal numbers"
        }
        if parts.contains(where: { (UInt64(digits: $0) ?? 256) > 255 }) {
            return "every part of an IPv4 address is a number from 0 to 255"
        }
        if (1..<4).contains(parts.count), let length {
            let padded = parts + Array(repeating: "0", count: 4 - parts.count)
            return "write all four parts: `\(padded.joined(separator: "."))/\(length)`"
        }
        return parts.count > 1 ? "an IPv4 address has four parts" : nil
    }

    private static func halves(_ text: String, at divider: Character) -> (Substring, Substring?) {
        guard let place = text.firstIndex(of: divider) else { return (text[...], nil) }
        return (text[..<place], text[text.index(after: place)...])
    }
}
