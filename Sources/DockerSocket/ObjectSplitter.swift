/// Cuts a stream of JSON objects at their borders, however it comes in pieces. What is in them it does not judge.
struct ObjectSplitter {
    enum Failure: Error, Hashable {
        case tooLarge
        case notAnObject
    }

    private let limit: Int
    private var object: [UInt8] = []
    private var depth = 0
    private var isInText = false
    private var isEscaped = false

    init(limit: Int) { self.limit = limit }

    mutating func take(_ bytes: some Sequence<UInt8>) throws(Failure) -> [[UInt8]] {
        var whole: [[UInt8]] = []
        for byte in bytes {
            if depth == 0 {
                // Line ends, and RFC 7464's record separator.
                if byte == 0x20 || byte == 0x09 || byte == 0x0a || byte == 0x0d || byte == 0x1e { continue }
                guard byte == UInt8(ascii: "{") else { throw .notAnObject }
            }
            guard object.count < limit else { throw .tooLarge }
            object.append(byte)
            step(byte)
            if depth == 0 {
                whole.append(object)
                object.removeAll(keepingCapacity: true)
            }
        }
        return whole
    }

    private mutating func step(_ byte: UInt8) {
        if isEscaped {
            isEscaped = false
        } else if isInText {
            if byte == UInt8(ascii: "\\") { isEscaped = true } else if byte == UInt8(ascii: "\"") { isInText = false }
        } else if byte == UInt8(ascii: "\"") {
            isInText = true
        } else if byte == UInt8(ascii: "{") {
            depth += 1
        } else if byte == UInt8(ascii: "}") {
            depth -= 1
        }
    }
}
