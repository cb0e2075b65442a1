extension RawSpan {
    // SAFETY, in all of these: `number` asks for the bytes before it loads them, and any bytes are a valid integer.

    func byte(at offset: Int) throws(MalformedMessage) -> UInt8 { try number(at: offset) }
    func hostUInt16(at offset: Int) throws(MalformedMessage) -> UInt16 { try number(at: offset) }
    func hostInt32(at offset: Int) throws(MalformedMessage) -> Int32 { try number(at: offset) }

    func hostUInt32(at offset: Int = 0) throws(MalformedMessage) -> UInt32 { try number(at: offset) }
    func hostUInt64(at offset: Int = 0) throws(MalformedMessage) -> UInt64 { try number(at: offset) }

    /// The structure with which a message begins.
    func structure<Structure: BitwiseCopyable>(_ type: Structure.Type) throws(MalformedMessage) -> Structure {
        guard byteCount >= MemoryLayout<Structure>.size else {
            throw MalformedMessage("a message shorter than its header")
        }
        // SAFETY: the bytes are there, and any bytes are a valid structure of integers.
        return unsafe unsafeLoadUnaligned(as: Structure.self)
    }

    /// What follows so many bytes of header, or nothing.
    @_lifetime(copy self)
    func dropping(_ header: Int) -> RawSpan { extracting(min((header + 3) / 4 * 4, byteCount)..<byteCount) }

    private func number<Number: FixedWidthInteger & BitwiseCopyable>(
        at offset: Int
    ) throws(MalformedMessage) -> Number {
        guard offset >= 0, offset <= byteCount - MemoryLayout<Number>.size else {
            throw MalformedMessage("fewer bytes than a number has")
        }
        return unsafe unsafeLoadUnaligned(fromByteOffset: offset, as: Number.self)
    }

    /// All of it as one number in network order.
    func networkOrder<Number: FixedWidthInteger & BitwiseCopyable>(
        _ type: Number.Type = Number.self
    ) throws(MalformedMessage) -> Number {
        guard byteCount == MemoryLayout<Number>.size else {
            throw MalformedMessage("\(byteCount) bytes, where a number of \(MemoryLayout<Number>.size) belongs")
        }
        return Number(bigEndian: unsafe unsafeLoadUnaligned(as: Number.self))
    }

    /// All of it, up to 16 bytes, as a number in network order.
    func networkOrderOfAnyWidth() throws(MalformedMessage) -> UInt128 {
        guard byteCount <= MemoryLayout<UInt128>.size else { throw MalformedMessage("a key of more than 16 bytes") }
        var number: UInt128 = 0
        for offset in byteOffsets { number = number << 8 | UInt128(try byte(at: offset)) }
        return number
    }

    /// The text up to a NUL or the end.
    func text() -> String {
        // SAFETY: the bytes are read while the span is borrowed, and copied.
        unsafe withUnsafeBytes { bytes in
            let end = unsafe bytes.firstIndex(of: 0) ?? bytes.count
            return unsafe String(decoding: bytes[..<end], as: UTF8.self)
        }
    }

    func array() -> [UInt8] {
        // SAFETY: the bytes are read while the span is borrowed, and copied.
        unsafe withUnsafeBytes { unsafe Array($0) }
    }
}
