/// The bytes of a file that diagnostics speak of. They need be neither UTF-8 nor free of control characters.
public struct SourceText: Sendable {
    public var file: String
    public var bytes: [UInt8]

    public init(file: String, bytes: [UInt8]) {
        self.file = file
        self.bytes = bytes
    }

    /// The lines of these numbers, counted from one, in a single pass: a list file may hold a million.
    public func lines(_ numbers: Set<Int>) -> [Int: String] {
        var found: [Int: String] = [:]
        guard let last = numbers.max() else { return found }
        let span = bytes.span
        var number = 1
        var start = 0
        var index = 0
        while index <= span.count, number <= last {
            if index == span.count || span[index] == 0x0a {
                if numbers.contains(number) {
                    var end = index
                    if end > start, span[end - 1] == 0x0d { end -= 1 }
                    if number == 1, bytes.starts(with: [0xef, 0xbb, 0xbf]) { start = 3 }
                    found[number] = String(decoding: bytes[min(start, end)..<end], as: UTF8.self)
                }
                number += 1
                start = index + 1
            }
            index += 1
        }
        return found
    }

    /// The position of a byte, its column counted in Unicode scalars.
    public func position(ofByte offset: Int) -> Position {
        let offset = min(offset, bytes.count)
        var line = 1
        var start = bytes.starts(with: [0xef, 0xbb, 0xbf]) ? min(3, offset) : 0
        for index in 0..<offset where bytes[index] == 0x0a {
            line += 1
            start = index + 1
        }
        return Position(line: line, column: 1 + bytes[start..<offset].count { $0 & 0xc0 != 0x80 })
    }
}
