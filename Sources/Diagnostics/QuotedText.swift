/// A text of the user's as a headline cites it: between backticks, short, and on one line.
public func quoted(_ text: String, limit: Int = 64) -> String {
    var result = "`"
    var count = 0
    for scalar in text.unicodeScalars {
        if count == limit {
            result += "…"
            break
        }
        if scalar.isControl {
            result += scalar.escaped
        } else {
            result.unicodeScalars.append(scalar)
        }
        count += 1
    }
    return result + "`"
}

extension Unicode.Scalar {
    /// Would move the cursor, change the terminal's state or reorder the text if it were printed: C0, DEL, C1, the line
    /// separators, and the marks that turn the direction of writing.
    public var isControl: Bool {
        switch value {
        case 0...0x1f, 0x7f...0x9f, 0x2028...0x202e, 0x2066...0x2069, 0x200e, 0x200f, 0xfeff, 0xfffe...0xffff: true
        default: false
        }
    }

    public var escaped: String {
        switch value {
        case 0x09: "\\t"
        case 0x0a: "\\n"
        case 0x0d: "\\r"
        default: "\\u{\(String(value, radix: 16))}"
        }
    }
}
