internal import Addressing
internal import CNftnl
internal import Glibc
internal import Nftables

/// Reads the elements of one set straight into numbers, and makes ranges of them at the end.
struct ElementReader {
    let set: NamedSet.Header
    private var ends4: [IntervalEnd<UInt32>] = []
    private var ends6: [IntervalEnd<UInt128>] = []
    /// Where elements have a verdict, or a type that is not an address.
    private var others: [(end: IntervalEnd<UInt128>, value: Value)] = []
    private var concatenated: [Element] = []
    /// What the elements have that is never written here.
    private(set) var notes: Set<String> = []
    /// Whether an element came twice, known after `elements()`. The kernel resizes the table of a hash set behind its users'
    /// backs, and a dump that is under way then gives some elements again and leaves out as many others (seen on 6.18: 14 % of
    /// 100,000). Neither the generation nor NLM_F_DUMP_INTR tells of it.
    private(set) var isTorn = false

    init(_ set: NamedSet.Header) { self.set = set }

    /// What an element has besides its key; times in milliseconds.
    private struct Value {
        var verdict: Verdict?
        var timeout: UInt64?
        var remaining: UInt64?
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
        var key: RawSpan?
        var keyEnd: RawSpan?
        var flags: UInt32 = 0
        var value = Value()
        var attributes = AttributeCursor(element)
        while let attribute = try attributes.next() {
            switch attribute.type {
            case NFTA_SET_ELEM_KEY.rawValue: key = try attribute.payload.elementKey()
            case NFTA_SET_ELEM_KEY_END.rawValue: keyEnd = try attribute.payload.elementKey()
            case NFTA_SET_ELEM_FLAGS.rawValue: flags = try attribute.payload.networkOrder()
            case NFTA_SET_ELEM_DATA.rawValue: value.verdict = try attribute.payload.verdict()
            case NFTA_SET_ELEM_TIMEOUT.rawValue: value.timeout = try attribute.payload.networkOrder()
            case NFTA_SET_ELEM_EXPIRATION.rawValue: value.remaining = try attribute.payload.networkOrder()
            case NFTA_SET_ELEM_EXPR.rawValue, NFTA_SET_ELEM_EXPRESSIONS.rawValue:
                notes.insert("has elements with statements")
            case NFTA_SET_ELEM_OBJREF.rawValue: notes.insert("has elements with objects")
            case NFTA_SET_ELEM_USERDATA.rawValue:
                let isOfNft = attribute.payload.readUserData { type, _ in
                    if type == NFTNL_UDATA_SET_ELEM_COMMENT.rawValue { notes.insert("has elements with comments") }
                }
                if !isOfNft { notes.insert("has elements with user data that nft does not show") }
            default: break
            }
        }
        if flags & UInt32(NFT_SET_ELEM_CATCHALL.rawValue) != 0 {
            notes.insert("has an element that matches all else")
            return
        }
        guard let key else { throw MalformedMessage("an element without a key") }
        guard key.byteCount == set.keyLength else { throw MalformedMessage("the length of an element's key") }
        let isStart = flags & UInt32(NFT_SET_ELEM_INTERVAL_END.rawValue) == 0
        if set.isMap, isStart, value.verdict == nil {
            notes.insert("has elements with verdicts that are never written here")
        }
        if value.timeout != nil, set.isConcatenation || set.plainKey != nil {
            notes.insert("has elements that time out")
        }
        if set.isConcatenation {
            guard let keyEnd else { return try readConcatenation(key, key, value.verdict) }
            guard keyEnd.byteCount == key.byteCount else { throw MalformedMessage("the length of a key's end") }
            return try readConcatenation(key, keyEnd, value.verdict)
        }
        switch set.plainKey {
        case .ipv4Address?: ends4.append(IntervalEnd(key: try key.networkOrder(), isStart: isStart))
        case .ipv6Address?: ends6.append(IntervalEnd(key: try key.networkOrder(), isStart: isStart))
        case .nfProto?, .inetProtocol?, .inetService?, .interfaceName?, nil:
            others.append((IntervalEnd(key: try key.networkOrderOfAnyWidth(), isStart: isStart), value))
        }
    }

    private mutating func readConcatenation(
        _ low: RawSpan, _ high: RawSpan, _ verdict: Verdict?
    ) throws(MalformedMessage) {
        var fields: [KeyField] = []
        var offset = 0
        for type in set.key {
            let place = offset..<(offset + type.length)
            let field = KeyField(
                type, low: try low.extracting(place).networkOrderOfAnyWidth(),
                high: try high.extracting(place).networkOrderOfAnyWidth())
            guard let field else {
                notes.insert("has elements with ranges that are never written here")
                return
            }
            fields.append(field)
            offset += type.paddedLength
        }
        concatenated.append(Element(key: fields, verdict: verdict))
    }

    /// The elements, sorted by key.
    mutating func elements() -> Elements {
        if set.isConcatenation {
            let sorted = take(\.concatenated).sorted {
                $0.key.lexicographicallyPrecedes($1.key) { $0.precedes($1) }
            }
            isTorn = zip(sorted, sorted.dropFirst()).contains { $0.key == $1.key }
            return .keyed(sorted)
        }
        switch set.plainKey {
        case .ipv4Address?: return .ipv4(IntervalSet(ranges(take(\.ends4))))
        case .ipv6Address?: return .ipv6(IntervalSet(ranges(take(\.ends6))))
        case .nfProto?, .inetProtocol?, .inetService?, .interfaceName?, nil: return .keyed(keyed())
        }
    }

    /// Moves the array out, so that it can be sorted without a copy.
    private mutating func take<Item>(_ place: WritableKeyPath<Self, [Item]>) -> [Item] {
        var taken: [Item] = []
        swap(&taken, &self[keyPath: place])
        return taken
    }

    private mutating func ranges<Bound: AddressBits>(_ unsorted: consuming [IntervalEnd<Bound>]) -> [ClosedRange<Bound>]
    {
        var ends = unsorted
        ends.sort()
        isTorn = zip(ends, ends.dropFirst()).contains { $0 == $1 }
        guard set.isInterval else { return ends.map { $0.key...$0.key } }
        var ranges: [ClosedRange<Bound>] = []
        ranges.reserveCapacity(ends.count / 2 + 1)
        for (index, end) in ends.enumerated() where end.isStart {
            let next = index + 1 < ends.count ? ends[index + 1] : nil
            let range = end.key...(next.map { $0.key == end.key ? $0.key : $0.key - 1 } ?? Bound.max)
            if let last = ranges.last, last.upperBound != Bound.max, last.upperBound + 1 == range.lowerBound {
                notes.insert("has adjacent ranges that are not merged")
            }
            ranges.append(range)
        }
        return ranges
    }

    private mutating func keyed() -> [Element] {
        others.sort { $0.end < $1.end }
        isTorn = zip(others, others.dropFirst()).contains { $0.end == $1.end }
        let width = set.keyLength
        let greatest = UInt128.max >> UInt128(UInt128.bitWidth - 8 * width)
        var elements: [Element] = []
        for (index, other) in others.enumerated() where other.end.isStart {
            let low = other.end.key
            var high = low
            if set.isInterval {
                let next = index + 1 < others.count ? others[index + 1].end : nil
                high = next.map { $0.key == low ? low : $0.key - 1 } ?? greatest
            }
            if let type = set.key.first, let field = KeyField(type, low: low, high: high) {
                let value = other.value
                elements.append(
                    Element(
                        key: [field], verdict: value.verdict, timeout: value.timeout, remaining: value.remaining))
            } else {
                notes.insert("has elements with ranges that are never written here")
            }
        }
        return elements
    }
}

/// Where an interval begins, or the first value past its end. At one value an end comes before the next start.
private struct IntervalEnd<Bound: FixedWidthInteger & Sendable>: Comparable {
    var key: Bound
    var isStart: Bool

    static func < (left: Self, right: Self) -> Bool {
        left.key != right.key ? left.key < right.key : !left.isStart && right.isStart
    }
}

extension KeyField {
    /// `<`, without its arrays where two numbers say it: large sets are sorted by it.
    fileprivate func precedes(_ other: Self) -> Bool {
        switch (self, other) {
        case (.ipv4(let left), .ipv4(let right)): left.precedes(right)
        case (.ipv6(let left), .ipv6(let right)): left.precedes(right)
        case (.service(let left), .service(let right)): left.precedes(right)
        case (.proto(let left), .proto(let right)): left < right
        case (.family, _), (.ipv4, _), (.ipv6, _), (.service, _), (.proto, _), (.interface, _): self < other
        }
    }

    /// `nil` where the IR cannot say it.
    init?(_ type: DataType, low: UInt128, high: UInt128) {
        guard low <= high else { return nil }
        switch type {
        case .nfProto:
            guard low == high, let family = AddressFamily(nfProto: UInt8(truncatingIfNeeded: low)) else { return nil }
            self = .family(family)
        case .ipv4Address: self = .ipv4(UInt32(truncatingIfNeeded: low)...UInt32(truncatingIfNeeded: high))
        case .ipv6Address: self = .ipv6(low...high)
        case .inetService: self = .service(UInt16(truncatingIfNeeded: low)...UInt16(truncatingIfNeeded: high))
        case .inetProtocol:
            guard low == high else { return nil }
            self = .proto(UInt8(truncatingIfNeeded: low))
        case .interfaceName:
            let stem = low.networkOrder.prefix { $0 != 0 }
            guard let text = String(validating: stem, as: UTF8.self),
                let name = try? InterfaceName(low == high ? text : text + "*"), name.isWildcard == (low != high)
            else { return nil }
            self = .interface(name)
            // Bytes behind the NUL, or another range than that of a wildcard.
            guard UInt128(networkOrder: self.low) == low, UInt128(networkOrder: self.high) == high else { return nil }
        }
    }
}

extension ClosedRange {
    fileprivate func precedes(_ other: Self) -> Bool {
        (lowerBound, upperBound) < (other.lowerBound, other.upperBound)
    }
}

extension RawSpan {
    /// The value of `NFTA_SET_ELEM_KEY`.
    @_lifetime(copy self)
    func elementKey() throws(MalformedMessage) -> RawSpan {
        var attributes = AttributeCursor(self)
        while let attribute = try attributes.next() {
            if attribute.type == NFTA_DATA_VALUE.rawValue { return attribute.payload }
        }
        throw MalformedMessage("an element's key without a value")
    }
}
