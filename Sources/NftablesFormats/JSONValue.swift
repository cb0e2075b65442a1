/// As much of JSON as libnftables reads. Members keep the order in which they are given.
enum JSONValue {
    case null
    case string(String)
    case number(Int64)
    case array([JSONValue])
    case object([(name: String, value: JSONValue)])

    /// An object with one member, which is how libnftables' JSON says nearly everything.
    static func one(_ name: String, _ value: JSONValue) -> JSONValue { .object([(name, value)]) }

    func write(to buffer: inout TextBuffer) {
        switch self {
        case .null: buffer.append("null")
        case .string(let text): Self.write(text, to: &buffer)
        case .number(let number): buffer.append(String(number))
        case .array(let values):
            buffer.append("[")
            for (index, value) in values.enumerated() {
                if index > 0 { buffer.append(", ") }
                value.write(to: &buffer)
            }
            buffer.append("]")
        case .object(let members):
            buffer.append("{")
            for (index, member) in members.enumerated() {
                if index > 0 { buffer.append(", ") }
                Self.write(member.name, to: &buffer)
                buffer.append(": ")
                member.value.write(to: &buffer)
            }
            buffer.append("}")
        }
    }

    /// RFC 8259, 7.
    private static func write(_ text: String, to buffer: inout TextBuffer) {
        buffer.append("\"")
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"):
                buffer.append(byte: UInt8(ascii: "\\"))
                buffer.append(byte: byte)
            case 0..<0x20:
                buffer.append(byte < 16 ? "\\u000" : "\\u00")
                buffer.append(String(byte, radix: 16))
            default: buffer.append(byte: byte)
            }
        }
        buffer.append("\"")
    }
}

extension JSONValue: ExpressibleByStringLiteral, ExpressibleByStringInterpolation {
    init(stringLiteral text: String) { self = .string(text) }
}
