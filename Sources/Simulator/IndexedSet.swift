internal import Addressing
internal import Nftables

/// A set in which a key is found without a walk over all of it.
struct IndexedSet {
    let key: [DataType]
    private let elements: Elements
    /// Elements of one port or range each, in order.
    private let byPort: [(ports: ClosedRange<UInt16>, element: Element)]?

    /// Elements of a concatenation by their first field, where that is one value.
    private let byFirst: [[UInt8]: [Element]]?

    init(_ set: NamedSet) {
        key = set.key
        elements = set.elements
        guard case .keyed(let elements) = set.elements else {
            byPort = nil
            byFirst = nil
            return
        }
        let isByFirst = set.key.count > 1 && elements.allSatisfy { $0.key.first.map { $0.low == $0.high } ?? false }
        byFirst = isByFirst ? Dictionary(grouping: elements) { $0.key.first?.low ?? [] } : nil
        guard set.key == [.inetService] else {
            byPort = nil
            return
        }
        byPort = elements.compactMap { element in
            guard case .service(let ports) = element.key.first else { return nil }
            return (ports, element)
        }.sorted { $0.ports.lowerBound < $1.ports.lowerBound }
    }

    func sources<Bits: AddressBits>(_ type: Bits.Type) -> IntervalSet<Bits>? {
        switch elements {
        case .ipv4(let set): set as? IntervalSet<Bits>
        case .ipv6(let set): set as? IntervalSet<Bits>
        case .keyed(let elements): elements.isEmpty ? IntervalSet() : nil
        }
    }

    /// The element that a key falls into, given the bytes of each of its fields.
    func element(_ fields: [[UInt8]]) -> Element? {
        if let byPort { return fields.first.flatMap { UInt16(networkOrder: $0) }.flatMap { Self.find($0, in: byPort) } }
        switch elements {
        case .ipv4(let set):
            return fields.first.flatMap { UInt32(networkOrder: $0) }
                .flatMap { set.contains($0) ? Element(key: [.ipv4($0...$0)]) : nil }
        case .ipv6(let set):
            return fields.first.flatMap { UInt128(networkOrder: $0) }
                .flatMap { set.contains($0) ? Element(key: [.ipv6($0...$0)]) : nil }
        case .keyed(let all):
            let elements = byFirst.map { $0[fields.first ?? []] ?? [] } ?? all
            return elements.first { element in
                zip(element.key, fields).allSatisfy { field, bytes in
                    !bytes.lexicographicallyPrecedes(field.low) && !field.high.lexicographicallyPrecedes(bytes)
                }
            }
        }
    }

    private static func find(_ port: UInt16, in elements: [(ports: ClosedRange<UInt16>, element: Element)]) -> Element?
    {
        var low = 0
        var high = elements.count
        while low < high {
            let middle = (low + high) / 2
            if elements[middle].ports.upperBound < port { low = middle + 1 } else { high = middle }
        }
        return low < elements.count && elements[low].ports.contains(port) ? elements[low].element : nil
    }
}
