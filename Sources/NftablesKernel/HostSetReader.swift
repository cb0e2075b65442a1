internal import CNftnl
internal import Glibc
internal import HostRules

/// Reads one set or map of anybody's: its header first, then its elements.
struct HostSetReader {
    let table: HostReader.TableName
    private(set) var set: HostSet
    private var flags: UInt32 = 0
    private var ends: [End] = []

    /// An element as the kernel sends it. Without concatenations an interval is two of them.
    private struct End: Hashable {
        var key: [UInt8]
        /// Where an interval of a concatenation ends.
        var last: [UInt8]?
        /// The first value past an interval.
        var isEnd: Bool
        var verdict: HostVerdict?
        var data: [UInt8]?
    }

    /// A message of `NFT_MSG_GETSET`.
    init(_ family: HostTable.Family, _ message: RawSpan) throws(MalformedMessage) {
        var table = ""
        var name = ""
        var keyType: UInt32 = 0
        var keyLength: UInt32 = 0
        var fields: [Int] = []
        var attributes = AttributeCursor(message)
        while let attribute = try attributes.next() {
            switch attribute.type {
            case NFTA_SET_TABLE.rawValue: table = attribute.payload.text()
            case NFTA_SET_NAME.rawValue: name = attribute.payload.text()
            case NFTA_SET_FLAGS.rawValue: flags = try attribute.payload.networkOrder()
            case NFTA_SET_KEY_TYPE.rawValue: keyType = try attribute.payload.networkOrder()
            case NFTA_SET_KEY_LEN.rawValue: keyLength = try attribute.payload.networkOrder()
            case NFTA_SET_DESC.rawValue: fields = try Self.fields(attribute.payload)
            default: break
            }
        }
        let length = Int(keyLength)
        if fields.isEmpty { fields = Self.fields(ofKeyType: keyType, length) }
        if fields.reduce(0, { $0 + ($1 + 3) / 4 * 4 }) != length { fields = [length] }
        self.table = HostReader.TableName(family: family, name: table)
        set = HostSet(name: name, keyLength: length, fieldLengths: fields)
        set.isDynamic = flags & NFT_SET_EVAL.rawValue != 0
    }

    /// `NFTA_SET_DESC_CONCAT`
    private static func fields(_ nest: RawSpan) throws(MalformedMessage) -> [Int] {
        var lengths: [Int] = []
        var attributes = AttributeCursor(nest)
        while let attribute = try attributes.next() {
            guard attribute.type == NFTA_SET_DESC_CONCAT.rawValue else { continue }
            var fields = AttributeCursor(attribute.payload)
            while let field = try fields.next() {
                var parts = AttributeCursor(field.payload)
                while let part = try parts.next() {
                    guard part.type == NFTA_SET_FIELD_LEN.rawValue else { continue }
                    lengths.append(Int(try part.payload.networkOrder(UInt32.self)))
                }
            }
        }
        return lengths
    }

    /// nft keeps its types in the number, six bits each; a concatenation that is no interval has no other description.
    private static func fields(ofKeyType number: UInt32, _ length: Int) -> [Int] {
        var types: [UInt32] = []
        var rest = number
        while rest != 0 {
            types.insert(rest & 0x3f, at: 0)
            rest >>= 6
        }
        guard types.count > 1 else { return [length] }
        let lengths = types.map(Self.length(ofType:))
        return lengths.contains(0) ? [length] : lengths
    }

    /// Of nft's own types (`enum datatypes` of its source), in bytes; 0 where it is not known.
    private static func length(ofType number: UInt32) -> Int {
        switch number {
        case 2, 12, 14, 15, 16, 17, 27, 29, 31, 32, 33, 34, 36, 37, 39, 42, 45: 1
        case 10, 11, 13, 21: 2
        case 7, 19, 20, 22, 23, 24, 25, 26, 28, 35, 38, 40, 44: 4
        case 6, 9: 6
        case 18, 43, 46: 8
        case 8, 30, 41: 16
        default: 0
        }
    }

    /// A message of `NFT_MSG_GETSETELEM`.
    mutating func read(_ message: RawSpan) throws(MalformedMessage) {
        var attributes = AttributeCursor(message)
        while let attribute = try attributes.next() {
            guard attribute.type == NFTA_SET_ELEM_LIST_ELEMENTS.rawValue else { continue }
            var elements = AttributeCursor(attribute.payload)
            while let element = try elements.next() { try readElement(element.payload) }
        }
    }

    private mutating func readElement(_ element: RawSpan) throws(MalformedMessage) {
        var end = End(key: [], isEnd: false)
        var hasKey = false
        var flags: UInt32 = 0
        var attributes = AttributeCursor(element)
        while let attribute = try attributes.next() {
            switch attribute.type {
            case NFTA_SET_ELEM_KEY.rawValue:
                end.key = try attribute.payload.elementKey().array()
                hasKey = true
            case NFTA_SET_ELEM_KEY_END.rawValue: end.last = try attribute.payload.elementKey().array()
            case NFTA_SET_ELEM_FLAGS.rawValue: flags = try attribute.payload.networkOrder()
            case NFTA_SET_ELEM_DATA.rawValue:
                end.data = try attribute.payload.value()
                if case .of(let verdict)? = try attribute.payload.foreignVerdict() { end.verdict = verdict }
            case NFTA_SET_ELEM_EXPIRATION.rawValue: set.isDynamic = true
            case NFTA_SET_ELEM_EXPR.rawValue: if try attribute.payload.mayRefuse() { set.isDynamic = true }
            case NFTA_SET_ELEM_EXPRESSIONS.rawValue:
                var expressions = AttributeCursor(attribute.payload)
                while let expression = try expressions.next() {
                    if try expression.payload.mayRefuse() { set.isDynamic = true }
                }
            default: break
            }
        }
        if flags & UInt32(NFT_SET_ELEM_CATCHALL.rawValue) != 0 {
            set.catchall = HostSet.Element(low: [], high: [], verdict: end.verdict, data: end.data)
            return
        }
        guard hasKey, end.key.count == set.keyLength, end.last.map({ $0.count == set.keyLength }) ?? true else {
            throw MalformedMessage("the length of an element's key")
        }
        end.isEnd = flags & UInt32(NFT_SET_ELEM_INTERVAL_END.rawValue) != 0
        ends.append(end)
    }

    /// Puts the elements into the set; `false` where one came twice: see `ElementReader.isTorn`.
    mutating func finish() -> Bool {
        guard Set(ends.map { Place(key: $0.key, isEnd: $0.isEnd) }).count == ends.count || hasConcatenatedRanges else {
            ends = []
            return false
        }
        let isInterval = flags & NFT_SET_INTERVAL.rawValue != 0 && !ends.contains { $0.last != nil }
        ends.sort {
            $0.key != $1.key ? $0.key.lexicographicallyPrecedes($1.key) : $0.isEnd && !$1.isEnd
        }
        set.elements = ends.indices.filter { !ends[$0].isEnd }.map { index in
            let end = ends[index]
            var high = end.last ?? end.key
            if isInterval {
                high =
                    index + 1 < ends.count
                    ? ends[index + 1].key.predecessor ?? end.key : [UInt8](repeating: .max, count: set.keyLength)
                // Two that begin at one key: the first is that key alone.
                if high.lexicographicallyPrecedes(end.key) { high = end.key }
            }
            return HostSet.Element(low: end.key, high: high, verdict: end.verdict, data: end.data)
        }
        ends = []
        return true
    }

    private struct Place: Hashable {
        var key: [UInt8]
        var isEnd: Bool
    }

    /// Ranges of a concatenation may begin at one key; the kernel keeps them in arrays, which are dumped whole.
    private var hasConcatenatedRanges: Bool { ends.contains { $0.last != nil } }
}

extension [UInt8] {
    /// The number before it; `nil` of zero.
    fileprivate var predecessor: Self? {
        guard let last = lastIndex(where: { $0 != 0 }) else { return nil }
        var bytes = self
        bytes[last] -= 1
        for index in bytes.index(after: last)..<bytes.endIndex { bytes[index] = .max }
        return bytes
    }
}

extension RawSpan {
    /// Whether an element's statement can keep it from matching: a counter cannot.
    fileprivate func mayRefuse() throws(MalformedMessage) -> Bool {
        var attributes = AttributeCursor(self)
        while let attribute = try attributes.next() {
            guard attribute.type == NFTA_EXPR_NAME.rawValue else { continue }
            return !["counter", "last"].contains(attribute.payload.text())
        }
        return true
    }
}
