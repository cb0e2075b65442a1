/// What nft's grammar can spell between two quotes: it has no escapes at all. What a ruleset says should be said so from the
/// start, for the kernel takes anything and text does not; the formats write it so in any case.
public enum Spelling {
    /// NFTNL_UDATA_COMMENT_MAXLEN of libnftnl.
    public static let maximumComment = 128
    /// NF_LOG_PREFIXLEN of the kernel less the closing NUL.
    public static let maximumLogPrefix = 127

    public static func comment(_ text: String) -> String { quotable(text, limit: maximumComment) }

    /// nft reads a `$` in a log prefix as a variable and has no way to say the character.
    public static func logPrefix(_ text: String) -> String {
        quotable(text.replacingDollars, limit: maximumLogPrefix)
    }

    /// A `"` would end the text and a control character break the line; both become what reads alike. What is too long is cut
    /// at the end of a character.
    private static func quotable(_ text: String, limit: Int) -> String {
        // Nearly all of them, and a ruleset has many.
        let isPlain = text.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7f && $0 != UInt8(ascii: "\"") }
        if isPlain, text.utf8.count <= limit { return text }
        var result = ""
        var length = 0
        for character in text {
            let spoken: String
            if character == "\"" {
                spoken = "'"
            } else if character.unicodeScalars.contains(where: { $0.value < 0x20 || $0.value == 0x7f }) {
                spoken = " "
            } else {
                spoken = String(character)
            }
            length += spoken.utf8.count
            if length > limit { break }
            result += spoken
        }
        return result
    }
}

extension String {
    fileprivate var replacingDollars: String {
        utf8.contains(UInt8(ascii: "$")) ? String(map { $0 == "$" ? "S" : $0 }) : self
    }
}
