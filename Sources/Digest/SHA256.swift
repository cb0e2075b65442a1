internal import CMd

/// SHA-256 (FIPS 180-4), by libmd. Values are added so that no two sequences of them give the same bytes.
public struct SHA256: Sendable {
    private var context = SHA2_CTX()

    public init() {
        // The context is ours, and the call fills it in.
        unsafe SHA256Init(&context)
    }

    public mutating func add(_ bytes: [UInt8]) {
        add(bytes.count)
        // Read within the call, for as many bytes as the array has.
        unsafe bytes.withUnsafeBufferPointer { unsafe SHA256Update(&context, $0.baseAddress, $0.count) }
    }

    public mutating func add(_ text: String) {
        var text = text
        add(text.utf8.count)
        // Read within the call, for as many bytes as the text has.
        text.withUTF8 { unsafe SHA256Update(&context, $0.baseAddress, $0.count) }
    }

    public mutating func add(_ number: some FixedWidthInteger & Sendable) {
        var bigEndian = number.bigEndian
        // Read within the call, for as many bytes as the number has.
        unsafe withUnsafeBytes(of: &bigEndian) { bytes in
            unsafe SHA256Update(
                &context, bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), bytes.count)
        }
    }

    /// What has been added so far, as 64 hexadecimal digits.
    public var hexadecimal: String {
        var context = context
        var bytes: [UInt8] = Array(repeating: 0, count: Int(SHA256_DIGEST_LENGTH))
        // SHA256Final writes SHA256_DIGEST_LENGTH bytes, which the array has.
        unsafe bytes.withUnsafeMutableBufferPointer { unsafe SHA256Final($0.baseAddress, &context) }
        return bytes.map { $0 < 16 ? "0" + String($0, radix: 16) : String($0, radix: 16) }.joined()
    }
}
