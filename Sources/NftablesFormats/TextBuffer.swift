internal import Addressing

/// Text that grows at its end, as bytes: a set of a million addresses is written without a string for each.
struct TextBuffer {
    private(set) var bytes: [UInt8] = []

    var text: String { String(decoding: bytes, as: UTF8.self) }

    static func text(_ write: (inout Self) -> Void) -> String {
        var buffer = Self()
        write(&buffer)
        return buffer.text
    }

    mutating func append(_ text: String) { bytes.append(contentsOf: text.utf8) }

    mutating func append(byte: UInt8) { bytes.append(byte) }

    mutating func append(decimal number: some FixedWidthInteger & UnsignedInteger) {
        if number >= 10 { append(decimal: number / 10) }
        bytes.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: number % 10))
    }

    mutating func append(address: UInt32) {
        for shift: UInt32 in [24, 16, 8, 0] {
            append(decimal: address >> shift & 0xff)
            if shift > 0 { bytes.append(UInt8(ascii: ".")) }
        }
    }

    /// As nft writes it, through glibc: RFC 5952, but IPv4-compatible addresses keep their dotted tail.
    mutating func append(address: UInt128) {
        if address >> 32 == 0, address > 0xffff {
            append("::")
            append(address: UInt32(truncatingIfNeeded: address))
        } else {
            append(IPv6Address(address).description)
        }
    }

    mutating func append(range: ClosedRange<UInt32>) {
        append(address: range.lowerBound)
        if range.lowerBound == range.upperBound { return }
        if let length = range.prefixLength {
            append(prefixLength: length)
        } else {
            append(byte: UInt8(ascii: "-"))
            append(address: range.upperBound)
        }
    }

    mutating func append(range: ClosedRange<UInt128>) {
        append(address: range.lowerBound)
        if range.lowerBound == range.upperBound { return }
        if let length = range.prefixLength {
            append(prefixLength: length)
        } else {
            append(byte: UInt8(ascii: "-"))
            append(address: range.upperBound)
        }
    }

    private mutating func append(prefixLength: Int) {
        append(byte: UInt8(ascii: "/"))
        append(decimal: UInt8(truncatingIfNeeded: prefixLength))
    }
}
