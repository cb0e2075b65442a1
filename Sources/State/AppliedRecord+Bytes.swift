internal import Addressing
internal import Nftables

extension AppliedRecord {
    /// What a record begins with; the number changes with the form.
    private static let signature = Array("dockernft applied 3\n".utf8)

    /// Everything in one fixed order, numbers in network order, texts behind their length.
    func encoded() -> [UInt8] {
        var bytes = Self.signature
        bytes.append(text: policyPath)
        bytes.append(number: appliedAt)
        bytes.append(text: digest)
        bytes.append(UInt8(waiting == nil ? 0 : 1))
        if let waiting {
            bytes.append(text: waiting.policyPath)
            bytes.append(number: waiting.appliedAt)
        }
        bytes.append(text: place.boot)
        bytes.append(number: place.namespace)
        bytes.append(number: place.generation)
        bytes.append(number: place.table)
        bytes.append(number: UInt32(elements.count))
        for (name, elements) in elements.sorted(by: { $0.key < $1.key }) {
            bytes.append(text: name)
            bytes.append(elements)
        }
        bytes.append(number: Self.checksum(bytes[...]))
        return bytes
    }

    /// FNV-1a (Fowler, Noll, Vo), 64 bits: against accidents. Who may write here may also change the kernel's tables.
    static func checksum(_ bytes: ArraySlice<UInt8>) -> UInt64 {
        var sum: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in bytes { sum = (sum ^ UInt64(byte)) &* 0x100_0000_01b3 }
        return sum
    }

    /// Nil for whatever `encoded` did not write, whole.
    init?(bytes: [UInt8]) {
        // A wrong element would be taken for the kernel's, and every change that follows would be refused.
        guard var reader = RecordReader(bytes, behind: Self.signature),
            let policyPath = reader.text(), let appliedAt = reader.number(Int64.self), let digest = reader.text(),
            let waiting = Self.waiting(&reader), let boot = reader.text(), let namespace = reader.number(UInt64.self),
            let generation = reader.number(UInt32.self), let table = reader.number(UInt64.self),
            let count = reader.number(UInt32.self)
        else { return nil }
        var elements: [String: Elements] = [:]
        for _ in 0..<count {
            guard let name = reader.text(), let read = reader.elements() else { return nil }
            elements[name] = read
        }
        guard reader.isAtEnd else { return nil }
        self.init(
            policyPath: policyPath, appliedAt: appliedAt, digest: digest,
            place: Place(boot: boot, namespace: namespace, generation: generation, table: table), elements: elements,
            waiting: waiting)
    }

    /// Nil for what was not written here, an inner nil where nothing waits.
    private static func waiting(_ reader: inout RecordReader) -> Waiting?? {
        switch reader.number(UInt8.self) {
        case 0: return .some(nil)
        case 1:
            guard let path = reader.text(), let appliedAt = reader.number(Int64.self) else { return nil }
            return Waiting(policyPath: path, appliedAt: appliedAt)
        case _: return nil
        }
    }
}

/// What stands before a set's elements, a key's field or a verdict in the bytes.
private enum Tag {
    static let ipv4: UInt8 = 1
    static let ipv6: UInt8 = 2
    static let service: UInt8 = 3
    static let proto: UInt8 = 4
    static let interface: UInt8 = 5
    static let keyed: UInt8 = 6
    static let family: UInt8 = 7

    static let none: UInt8 = 0
    static let accept: UInt8 = 1
    static let drop: UInt8 = 2
    static let `return`: UInt8 = 3
    static let jump: UInt8 = 4
    static let goto: UInt8 = 5
}

extension [UInt8] {
    mutating func append(number: some FixedWidthInteger) {
        var shift = type(of: number).bitWidth
        while shift > 0 {
            shift -= 8
            append(UInt8(truncatingIfNeeded: number >> shift))
        }
    }

    fileprivate mutating func append(range: ClosedRange<some FixedWidthInteger>) {
        append(number: range.lowerBound)
        append(number: range.upperBound)
    }

    mutating func append(text: String) {
        append(number: UInt16(truncatingIfNeeded: text.utf8.count))
        append(contentsOf: text.utf8)
    }

    fileprivate mutating func append(_ elements: Elements) {
        switch elements {
        case .ipv4(let set):
            append(Tag.ipv4)
            append(number: UInt32(set.ranges.count))
            for range in set.ranges { append(range: range) }
        case .ipv6(let set):
            append(Tag.ipv6)
            append(number: UInt32(set.ranges.count))
            for range in set.ranges { append(range: range) }
        case .keyed(let elements):
            append(Tag.keyed)
            append(number: UInt32(elements.count))
            for element in elements {
                append(UInt8(element.key.count))
                for field in element.key { append(field) }
                append(element.verdict)
                append(number: element.timeout ?? 0)
            }
        }
    }

    private mutating func append(_ field: KeyField) {
        switch field {
        case .family(let family):
            append(Tag.family)
            append(family.nfProto)
        case .ipv4(let range):
            append(Tag.ipv4)
            append(range: range)
        case .ipv6(let range):
            append(Tag.ipv6)
            append(range: range)
        case .service(let range):
            append(Tag.service)
            append(range: range)
        case .proto(let number):
            append(Tag.proto)
            append(number)
        case .interface(let name):
            append(Tag.interface)
            append(text: name.description)
        }
    }

    private mutating func append(_ verdict: Verdict?) {
        switch verdict {
        case nil: append(Tag.none)
        case .accept: append(Tag.accept)
        case .drop: append(Tag.drop)
        case .return: append(Tag.return)
        case .jump(let chain):
            append(Tag.jump)
            append(text: chain)
        case .goto(let chain):
            append(Tag.goto)
            append(text: chain)
        }
    }
}

struct RecordReader {
    private let bytes: [UInt8]
    private var offset: Int
    private let end: Int

    var isAtEnd: Bool { offset == end }

    private init(_ bytes: [UInt8], from offset: Int, to end: Int) {
        self.bytes = bytes
        self.offset = offset
        self.end = end
    }

    /// What stands between the signature that a file begins with and the checksum of it all that it ends with; nil for any other
    /// file. Nothing is copied: a policy has lists of many megabytes.
    init?(_ bytes: [UInt8], behind signature: [UInt8]) {
        let end = bytes.count - 8
        guard bytes.starts(with: signature), end >= signature.count else { return nil }
        var trailer = Self(bytes, from: end, to: bytes.count)
        guard trailer.number(UInt64.self) == AppliedRecord.checksum(bytes[..<end]) else { return nil }
        self.init(bytes, from: signature.count, to: end)
    }

    mutating func number<Number: FixedWidthInteger>(_ type: Number.Type = Number.self) -> Number? {
        let size = Number.bitWidth / 8
        guard end - offset >= size else { return nil }
        var value: Number = 0
        for index in offset..<offset + size { value = value << 8 | Number(truncatingIfNeeded: bytes[index]) }
        offset += size
        return value
    }

    private mutating func range<Number: FixedWidthInteger>() -> ClosedRange<Number>? {
        guard let low = number(Number.self), let high = number(Number.self), low <= high else { return nil }
        return low...high
    }

    mutating func elements() -> Elements? {
        guard let tag = number(UInt8.self), let count = number(UInt32.self) else { return nil }
        switch tag {
        case Tag.ipv4: return ranges(Int(count)).map { .ipv4($0) }
        case Tag.ipv6: return ranges(Int(count)).map { .ipv6($0) }
        case Tag.keyed: return keyed(Int(count)).map { .keyed($0) }
        default: return nil
        }
    }

    private mutating func ranges<Bits: AddressBits>(_ count: Int) -> IntervalSet<Bits>? {
        guard count <= (end - offset) / (Bits.bitWidth / 4) else { return nil }
        var ranges: [ClosedRange<Bits>] = []
        ranges.reserveCapacity(count)
        for _ in 0..<count {
            guard let range: ClosedRange<Bits> = range() else { return nil }
            ranges.append(range)
        }
        return IntervalSet(ranges)
    }

    private mutating func keyed(_ count: Int) -> [Element]? {
        guard count <= end - offset else { return nil }
        var elements: [Element] = []
        for _ in 0..<count {
            guard let fields = number(UInt8.self) else { return nil }
            var key: [KeyField] = []
            for _ in 0..<fields {
                guard let field = field() else { return nil }
                key.append(field)
            }
            guard let verdict = verdict(), let timeout = number(UInt64.self) else { return nil }
            elements.append(Element(key: key, verdict: verdict, timeout: timeout == 0 ? nil : timeout))
        }
        return elements
    }

    mutating func text() -> String? {
        guard let count = number(UInt16.self), end - offset >= Int(count) else { return nil }
        defer { offset += Int(count) }
        return String(validating: bytes[offset..<offset + Int(count)], as: UTF8.self)
    }

    /// Bytes behind their count.
    mutating func contents() -> [UInt8]? {
        guard let count = number(UInt64.self), count <= end - offset else { return nil }
        defer { offset += Int(count) }
        return Array(bytes[offset..<offset + Int(count)])
    }

    private mutating func field() -> KeyField? {
        switch number(UInt8.self) {
        case Tag.family: return number().flatMap { AddressFamily(nfProto: $0) }.map { .family($0) }
        case Tag.ipv4: return range().map { .ipv4($0) }
        case Tag.ipv6: return range().map { .ipv6($0) }
        case Tag.service: return range().map { .service($0) }
        case Tag.proto: return number().map { .proto($0) }
        case Tag.interface: return text().flatMap { try? InterfaceName($0) }.map { .interface($0) }
        default: return nil
        }
    }

    /// Nil for what is no verdict, an inner nil for none.
    private mutating func verdict() -> Verdict?? {
        switch number(UInt8.self) {
        case Tag.none: return .some(nil)
        case Tag.accept: return .accept
        case Tag.drop: return .drop
        case Tag.return: return .return
        case Tag.jump: return text().map { .jump($0) }
        case Tag.goto: return text().map { .goto($0) }
        default: return nil
        }
    }
}
