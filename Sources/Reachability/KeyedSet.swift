internal import Addressing
internal import HostRules

/// A set or map of the host, arranged so that a key which is wholly known is found without walking it.
struct KeyedSet {
    struct Payload: Hashable {
        var verdict: HostVerdict?
        var data: [UInt8]?
    }

    struct Found<Bits: AddressBits> {
        /// Whether any element matches.
        var condition: Condition<Bits>
        /// Who may get which.
        var payloads: [(payload: Payload, sources: IntervalSet<Bits>)]
        /// Packets add to it: there may be other data by then.
        var mayHaveMore = false
    }

    let set: HostSet
    /// Of each field: where it begins and ends in the key.
    private let fields: [Range<Int>]
    /// Elements of a single field in the order of their keys; they never overlap.
    private let sorted: [HostSet.Element]
    /// Of a concatenation: those that are one key, and those with a range in them.
    private let exact: [[UInt8]: Int]
    private let others: [HostSet.Element]

    init(_ set: HostSet) {
        self.set = set
        var fields: [Range<Int>] = []
        var start = 0
        for length in set.fieldLengths {
            fields.append(start..<(start + length))
            start += (length + 3) / 4 * 4
        }
        self.fields = fields
        if fields.count == 1 {
            sorted = set.elements.sorted { $0.low.lexicographicallyPrecedes($1.low) }
            exact = [:]
            others = []
        } else {
            sorted = []
            var exact: [[UInt8]: Int] = [:]
            var others: [HostSet.Element] = []
            for (index, element) in set.elements.enumerated() {
                if element.low == element.high { exact[element.low] = index } else { others.append(element) }
            }
            self.exact = exact
            self.others = others
        }
    }

    func find<Bits: AddressBits>(_ key: [Symbol], _: Bits.Type = Bits.self) -> Found<Bits> {
        var found = Found<Bits>(condition: .never, payloads: [])
        if let values = key.values {
            if let element = element(values) {
                found.condition = .always
                found.payloads = [(Payload(element), .all)]
            }
        } else {
            found = search(key)
        }
        if let catchall = set.catchall, !found.condition.no.isEmpty {
            found.payloads.append((Payload(catchall), found.condition.no))
            found.condition = .always
        }
        // What packets add to it, or time takes from it, is another at the next packet.
        if set.isDynamic {
            found.condition = .unsure
            found.mayHaveMore = true
        }
        return found
    }

    private func element(_ key: [UInt8]) -> HostSet.Element? {
        if fields.count == 1 {
            var low = 0
            var high = sorted.count
            while low < high {
                let middle = (low + high) / 2
                if key.lexicographicallyPrecedes(sorted[middle].low) { high = middle } else { low = middle + 1 }
            }
            guard low > 0, !sorted[low - 1].high.lexicographicallyPrecedes(key) else { return nil }
            return sorted[low - 1]
        }
        if let index = exact[key] { return set.elements[index] }
        return others.first { element in
            fields.allSatisfy { field in
                guard field.upperBound <= key.count, field.upperBound <= element.low.count else { return false }
                let part = key[field]
                return !part.lexicographicallyPrecedes(element.low[field])
                    && !element.high[field].lexicographicallyPrecedes(part)
            }
        }
    }

    /// Element by element: some of the key is the source, or not known.
    private func search<Bits: AddressBits>(_ key: [Symbol]) -> Found<Bits> {
        var order: [Payload] = []
        var reached: [Payload: [ClosedRange<Bits>]] = [:]
        var all: [ClosedRange<Bits>] = []
        var sure: [ClosedRange<Bits>] = []
        let parts = fields.map { field in field.upperBound <= key.count ? Array(key[field]) : [] }
        for element in set.elements {
            var condition = Condition<Bits>.always
            for (field, part) in zip(fields, parts) where !condition.yes.isEmpty {
                condition = condition.and(
                    field.upperBound <= element.low.count
                        ? part.isWithin(Array(element.low[field]), Array(element.high[field])) : .unsure)
            }
            if condition.yes.isEmpty { continue }
            let payload = Payload(element)
            if reached[payload] == nil { order.append(payload) }
            reached[payload, default: []] += condition.yes.ranges
            all += condition.yes.ranges
            sure += condition.yes.subtracting(condition.no).ranges
        }
        return Found(
            condition: Condition(yes: IntervalSet(all), no: IntervalSet(sure).complement()),
            payloads: order.map { ($0, IntervalSet(reached[$0] ?? [])) })
    }
}

extension KeyedSet.Payload {
    fileprivate init(_ element: HostSet.Element) { self.init(verdict: element.verdict, data: element.data) }
}
