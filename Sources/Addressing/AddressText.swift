/// Why a text is not an address, a CIDR or a range.
public enum AddressTextError: Error, Hashable, Sendable {
    case notAnAddress
    case badPrefixLength(maximum: Int)
    /// `10.1.2.3/8`: the network that it is in, and the host that it names.
    case hostBitsSet(network: String, host: String)
    case mixedFamilies
    case emptyRange(low: String, high: String)
    /// `fe80::1%eth0`
    case zone
}

/// An address, a CIDR or a range (`a-b`) as a user writes it.
public enum AddressText: Hashable, Sendable {
    case v4(ClosedRange<UInt32>)
    case v6(ClosedRange<UInt128>)

    public init(_ text: String) throws(AddressTextError) {
        let bytes = Array(text.utf8)
        try self.init(ascii: bytes.span)
    }

    public init(ascii text: Span<UInt8>) throws(AddressTextError) {
        if text.firstIndex(of: UInt8(ascii: "%")) != nil { throw .zone }
        if let slash = text.firstIndex(of: UInt8(ascii: "/")) {
            try self.init(address: text.extracting(..<slash), length: text.extracting((slash + 1)...))
        } else if let dash = text.firstIndex(of: UInt8(ascii: "-")) {
            try self.init(low: text.extracting(..<dash), high: text.extracting((dash + 1)...))
        } else if let bits = UInt32(ipv4: text) {
            self = .v4(bits...bits)
        } else if let bits = UInt128(ipv6: text) {
            self = .v6(bits...bits)
        } else {
            throw .notAnAddress
        }
    }

    private init(address: Span<UInt8>, length: Span<UInt8>) throws(AddressTextError) {
        if let bits = UInt32(ipv4: address) {
            self = .v4(try Self.range(bits, length))
        } else if let bits = UInt128(ipv6: address) {
            self = .v6(try Self.range(bits, length))
        } else {
            throw .notAnAddress
        }
    }

    private static func range<Bits: AddressBits>(
        _ bits: Bits, _ length: Span<UInt8>
    ) throws(AddressTextError) -> ClosedRange<Bits> {
        guard let length = Int(decimal: length, maximum: Bits.bitWidth) else {
            throw .badPrefixLength(maximum: Bits.bitWidth)
        }
        let hostMask = length == 0 ? Bits.max : length == Bits.bitWidth ? 0 : Bits.max >> length
        guard bits & hostMask == 0 else {
            throw .hostBitsSet(
                network: "\((bits & ~hostMask).text)/\(length)", host: "\(bits.text)/\(Bits.bitWidth)")
        }
        return bits...(bits | hostMask)
    }

    private init(low: Span<UInt8>, high: Span<UInt8>) throws(AddressTextError) {
        let low = low.trimmed()
        let high = high.trimmed()
        if let first = UInt32(ipv4: low), let last = UInt32(ipv4: high) {
            self = .v4(try Self.range(first, last))
        } else if let first = UInt128(ipv6: low), let last = UInt128(ipv6: high) {
            self = .v6(try Self.range(first, last))
        } else if UInt32(ipv4: low) != nil && UInt128(ipv6: high) != nil
            || UInt128(ipv6: low) != nil && UInt32(ipv4: high) != nil
        {
            throw .mixedFamilies
        } else {
            throw .notAnAddress
        }
    }

    private static func range<Bits: AddressBits>(
        _ first: Bits, _ last: Bits
    ) throws(AddressTextError) -> ClosedRange<Bits> {
        guard first <= last else { throw .emptyRange(low: first.text, high: last.text) }
        return first...last
    }
}

extension IPAddress {
    /// One address and nothing around it.
    public init?(_ text: String) {
        let bytes = Array(text.utf8)
        if let bits = UInt32(ipv4: bytes.span) {
            self = .v4(IPv4Address(bits))
        } else if let bits = UInt128(ipv6: bytes.span) {
            self = .v6(IPv6Address(bits))
        } else {
            return nil
        }
    }
}

extension Span<UInt8> {
    func firstIndex(of byte: UInt8) -> Int? {
        for index in indices where self[index] == byte { return index }
        return nil
    }

    @_lifetime(copy self)
    public func trimmed() -> Span<UInt8> {
        var start = 0
        var end = count
        while start < end, self[start] == 0x20 || self[start] == 0x09 || self[start] == 0x0d { start += 1 }
        while end > start, self[end - 1] == 0x20 || self[end - 1] == 0x09 || self[end - 1] == 0x0d { end -= 1 }
        return extracting(start..<end)
    }
}

extension Int {
    /// Digits alone, no sign and no leading zero, up to `maximum`.
    init?(decimal text: Span<UInt8>, maximum: Int) {
        guard text.count > 0, text.count <= 5, text.count == 1 || text[0] != UInt8(ascii: "0") else { return nil }
        var value = 0
        for index in text.indices {
            let digit = text[index] &- UInt8(ascii: "0")
            guard digit <= 9 else { return nil }
            value = value * 10 + Int(digit)
        }
        guard value <= maximum else { return nil }
        self = value
    }
}

extension UInt32 {
    /// Four decimal parts. Leading zeroes are refused, for some programs read them as octal.
    init?(ipv4 text: Span<UInt8>) {
        guard text.count >= 7, text.count <= 15 else { return nil }
        var bits: UInt32 = 0
        var parts = 0
        var part: UInt32 = 0
        var digits = 0
        for index in text.indices {
            let byte = text[index]
            if byte == UInt8(ascii: ".") {
                guard digits > 0 else { return nil }
                bits = bits << 8 | part
                parts += 1
                part = 0
                digits = 0
                continue
            }
            let digit = byte &- UInt8(ascii: "0")
            guard digit <= 9, digits == 0 || part != 0 else { return nil }
            part = part * 10 + UInt32(digit)
            digits += 1
            guard part <= 255 else { return nil }
        }
        guard parts == 3, digits > 0 else { return nil }
        self = bits << 8 | part
    }
}

extension UInt128 {
    /// RFC 4291, 2.2: eight groups, `::` once, and an IPv4 tail.
    init?(ipv6 text: Span<UInt8>) {
        guard text.count >= 2, text.count <= 45 else { return nil }
        var head: UInt128 = 0
        var groups = 0
        var gapAt: Int? = nil
        var index = 0
        if text[0] == UInt8(ascii: ":") {
            guard text[1] == UInt8(ascii: ":") else { return nil }
            gapAt = 0
            index = 2
        }
        while index < text.count {
            var value: UInt128 = 0
            let start = index
            while index < text.count, let digit = Self.hexDigit(text[index]) {
                value = value << 4 | digit
                index += 1
                guard index - start <= 4 else { return nil }
            }
            if index < text.count, text[index] == UInt8(ascii: ".") {
                guard groups <= 6, let tail = UInt32(ipv4: text.extracting(start...)) else { return nil }
                head = head << 32 | UInt128(tail)
                groups += 2
                index = text.count
                break
            }
            guard index > start, groups < 8 else { return nil }
            head = head << 16 | value
            groups += 1
            guard index < text.count else { break }
            guard text[index] == UInt8(ascii: ":") else { return nil }
            index += 1
            guard index < text.count else { return nil }
            if text[index] == UInt8(ascii: ":") {
                guard gapAt == nil else { return nil }
                gapAt = groups
                index += 1
            }
        }
        guard let gapAt else {
            guard groups == 8 else { return nil }
            self = head
            return
        }
        guard groups < 8 else { return nil }
        let tailBits = 16 * (groups - gapAt)
        let tail = tailBits == 0 ? 0 : head & (UInt128.max >> (128 - tailBits))
        let upper = gapAt == 0 ? 0 : (head >> tailBits) << (128 - 16 * gapAt)
        self = upper | tail
    }

    private static func hexDigit(_ byte: UInt8) -> UInt128? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt128(byte - UInt8(ascii: "0"))
        case UInt8(ascii: "a")...UInt8(ascii: "f"): UInt128(byte - UInt8(ascii: "a") + 10)
        case UInt8(ascii: "A")...UInt8(ascii: "F"): UInt128(byte - UInt8(ascii: "A") + 10)
        default: nil
        }
    }
}
