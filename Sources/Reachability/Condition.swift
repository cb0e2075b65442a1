internal import Addressing

/// Whether something holds, for every source at once. A source in both sets is one of which it is not known.
struct Condition<Bits: AddressBits>: Hashable {
    var yes: IntervalSet<Bits>
    var no: IntervalSet<Bits>

    static var always: Self { Self(yes: .all, no: .init()) }
    static var never: Self { Self(yes: .init(), no: .all) }
    static var unsure: Self { Self(yes: .all, no: .all) }

    static func certain(_ holds: Bool) -> Self { holds ? always : never }

    static func exactly(_ sources: IntervalSet<Bits>) -> Self { Self(yes: sources, no: sources.complement()) }

    var inverted: Self { Self(yes: no, no: yes) }

    func inverted(_ isInverted: Bool) -> Self { isInverted ? inverted : self }

    func and(_ other: Self) -> Self {
        Self(yes: yes.intersection(other.yes), no: no.union(other.no))
    }

    /// Whether it leaves some of these sources in doubt.
    func isUnsure(about sources: IntervalSet<Bits>) -> Bool {
        if yes.isEmpty || no.isEmpty { return false }
        return !sources.intersection(yes).intersection(no).isEmpty
    }
}

/// A byte of a register, as far as it is known before the packet is.
enum Symbol: Hashable {
    /// Those bits that `known` marks.
    case bits(UInt8, known: UInt8)
    /// A byte of the source address, counted from its first, under a mask.
    case source(Int, mask: UInt8)
    /// The high and the low byte of the port that the client took for itself.
    case clientPort(Int)

    static func byte(_ value: UInt8) -> Self { .bits(value, known: 0xff) }
    static var unknown: Self { .bits(0, known: 0) }

    /// Nil unless every bit is known.
    var value: UInt8? {
        guard case .bits(let value, known: 0xff) = self else { return nil }
        return value
    }

    func masked(_ mask: UInt8, xor: UInt8) -> Self {
        switch self {
        case .bits(let value, let known): .bits(value & mask ^ xor, known: known | ~mask)
        case .source(let index, let old):
            if old & mask == 0 { .byte(xor) } else { xor == 0 ? .source(index, mask: old & mask) : .unknown }
        case .clientPort: mask == 0xff && xor == 0 ? self : .bits(xor, known: ~mask)
        }
    }
}

/// Ports that clients take (`ip(7)`): a rule about a lower one is not about them.
enum ClientPort {
    static let range: ClosedRange<UInt16> = 1024...65535
}

extension [Symbol] {
    init(_ bytes: [UInt8]) { self = bytes.map { .byte($0) } }

    var values: [UInt8]? {
        var result: [UInt8] = []
        result.reserveCapacity(count)
        for symbol in self {
            guard let value = symbol.value else { return nil }
            result.append(value)
        }
        return result
    }

    func equals<Bits: AddressBits>(_ bytes: [UInt8], _: Bits.Type = Bits.self) -> Condition<Bits> {
        var isSure = true
        var mask: Bits = 0
        var value: Bits = 0
        for index in indices.prefix(bytes.count) {
            let wanted = bytes[index]
            switch self[index] {
            case .bits(let known, let bits):
                if (known ^ wanted) & bits != 0 { return .never }
                if bits != 0xff { isSure = false }
            case .source(let at, let under):
                if wanted & ~under != 0 { return .never }
                let shift = Bits.bitWidth - 8 - 8 * at
                let fixed = Bits(truncatingIfNeeded: under) << shift
                let part = Bits(truncatingIfNeeded: wanted) << shift
                if (value ^ part) & mask & fixed != 0 { return .never }
                mask |= fixed
                value |= part
            case .clientPort(let at):
                isSure = false
                if at == 0, index + 1 < bytes.count, self[index + 1] == .clientPort(1),
                    !ClientPort.range.contains(UInt16(wanted) << 8 | UInt16(bytes[index + 1]))
                {
                    return .never
                }
            }
        }
        guard let sources = IntervalSet(bits: value, under: mask) else { return .unsure }
        return Condition(yes: sources, no: isSure ? sources.complement() : .all)
    }

    func isWithin<Bits: AddressBits>(_ low: [UInt8], _ high: [UInt8], _: Bits.Type = Bits.self) -> Condition<Bits> {
        if low == high { return equals(low) }
        if self == [.clientPort(0), .clientPort(1)], let low = UInt16(networkOrder: low),
            let high = UInt16(networkOrder: high), low <= high
        {
            let range = low...high
            if !range.overlaps(ClientPort.range) { return .never }
            return range.lowerBound <= ClientPort.range.lowerBound && range.upperBound == .max ? .always : .unsure
        }
        return isAtLeast(low).and(isAtMost(high))
    }

    func isAtMost<Bits: AddressBits>(_ bytes: [UInt8]) -> Condition<Bits> {
        var next = bytes
        for index in next.indices.reversed() {
            next[index] &+= 1
            if next[index] != 0 {
                let isMore: Condition<Bits> = isAtLeast(next)
                return isMore.inverted
            }
        }
        return .always
    }

    func isAtLeast<Bits: AddressBits>(_ bytes: [UInt8]) -> Condition<Bits> {
        let length = Swift.min(count, bytes.count)
        var start = 0
        while start < length, let value = self[start].value {
            if value != bytes[start] { return .certain(value > bytes[start]) }
            start += 1
        }
        if start == length || bytes[start..<length].allSatisfy({ $0 == 0 }) { return .always }
        return [Symbol](self[start..<length]).sourceIsAtLeast([UInt8](bytes[start..<length]))
    }

    /// Of a register that begins with the source's first bits: then its order is theirs.
    private func sourceIsAtLeast<Bits: AddressBits>(_ bytes: [UInt8]) -> Condition<Bits> {
        let width = Bits.bitWidth / 8
        var mask: Bits = 0
        var hasEnded = false
        for (index, symbol) in enumerated() {
            switch symbol {
            case .source(let at, let under)
            where !hasEnded && at == index && (~under).leadingZeroBitCount == 8 - under.trailingZeroBitCount:
                mask |= Bits(truncatingIfNeeded: under) << (Bits.bitWidth - 8 - 8 * index)
                hasEnded = under != 0xff
            case .bits(0, known: 0xff): hasEnded = true
            case .source, .bits, .clientPort: return .unsure
            }
        }
        var head: [UInt8] = bytes
        while head.count < width { head.append(0) }
        head.removeLast(head.count - width)
        guard mask != 0, let wanted = Bits(networkOrder: head) else { return .unsure }
        let step: Bits = mask & (~mask &+ 1)
        let isRound = wanted & (step - 1) == 0 && bytes.dropFirst(width).allSatisfy { $0 == 0 }
        let (low, isPast) = isRound ? (wanted, false) : (wanted & ~(step - 1)).addingReportingOverflow(step)
        return isPast ? .never : .exactly(IntervalSet([low...Bits.max]))
    }
}

extension IntervalSet {
    /// All whose bits under the mask are these; nil where they lie in more pieces than are worth following.
    fileprivate init?(bits: Bound, under mask: Bound) {
        if mask == 0 {
            self = .all
            return
        }
        let tail: Bound = (mask & (~mask &+ 1)) - 1
        let free: Bound = ~mask & ~tail
        guard free.nonzeroBitCount <= 10 else { return nil }
        var ranges: [ClosedRange<Bound>] = []
        var part: Bound = 0
        repeat {
            let low = bits | part
            ranges.append(low...(low | tail))
            // The next subset of the free bits, in rising order.
            part = (part &- free) & free
        } while part != 0
        self.init(ranges)
    }
}
