/// A network interface's name, or, with a `*` at its end, all names that begin so, as nft's wildcard is.
public struct InterfaceName: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// IFNAMSIZ of `linux/if.h` less the closing NUL.
    public static let maximumLength = 15

    public let stem: String
    public let isWildcard: Bool

    public enum TextError: Error, Hashable, Sendable {
        case empty
        case tooLong
        case badCharacter(Character)
        case starNotLast
    }

    /// `dev_valid_name` of the kernel refuses `/`, `:` and white space; nft reads a `*` anywhere but at the end as itself.
    public init(_ text: String) throws(TextError) {
        let isWildcard = text.hasSuffix("*")
        let stem = isWildcard ? String(text.dropLast()) : text
        // nft has no word for all names: that is to name no interface at all.
        if stem.isEmpty { throw .empty }
        if stem.utf8.count > Self.maximumLength { throw .tooLong }
        for character in stem {
            if character == "*" { throw .starNotLast }
            let isPlain = character.isASCII && !character.isWhitespace && character.asciiValue.map { $0 > 0x20 } == true
            if !isPlain || character == "/" || character == ":" || character == "\"" || character == "\\" {
                throw .badCharacter(character)
            }
        }
        self.stem = stem
        self.isWildcard = isWildcard
    }

    public static func < (left: Self, right: Self) -> Bool {
        (left.stem, left.isWildcard ? 1 : 0) < (right.stem, right.isWildcard ? 1 : 0)
    }

    public var description: String { isWildcard ? stem + "*" : stem }

    public func matches(_ name: String) -> Bool { isWildcard ? name.hasPrefix(stem) : name == stem }
}
