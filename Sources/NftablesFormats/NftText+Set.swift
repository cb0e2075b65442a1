internal import Addressing
public import Nftables

extension NftText {
    static func write(_ set: NamedSet, to buffer: inout TextBuffer) {
        let type = set.key.map(\.word).joined(separator: " . ")
        buffer.append(
            "\t\(set.isMap ? "map" : "set") \(set.name) {\n\t\ttype \(type)\(set.isMap ? " : verdict" : "")\n")
        let flags = (set.isInterval ? ["interval"] : []) + (set.timesOut ? ["timeout"] : [])
        if !flags.isEmpty { buffer.append("\t\tflags \(flags.joined(separator: ","))\n") }
        if !set.elements.isEmpty {
            buffer.append("\t\telements = { ")
            let onOneLine = set.elementsOnOneLine
            var count = 0
            func separate() {
                if count > 0 { buffer.append(count % onOneLine == 0 ? ",\n\t\t\t     " : ", ") }
                count += 1
            }
            switch set.elements {
            case .ipv4(let addresses):
                for range in addresses.ranges {
                    separate()
                    buffer.append(range: range)
                }
            case .ipv6(let addresses):
                for range in addresses.ranges {
                    separate()
                    buffer.append(range: range)
                }
            case .keyed(let elements):
                for element in set.listed(elements) {
                    separate()
                    write(element, to: &buffer)
                }
            }
            buffer.append(" }\n")
        }
        buffer.append("\t}\n")
    }

    public static func text(element: Element) -> String {
        var buffer = TextBuffer()
        write(element, to: &buffer)
        return String(decoding: buffer.bytes, as: UTF8.self)
    }

    private static func write(_ element: Element, to buffer: inout TextBuffer) {
        for (index, field) in element.key.enumerated() {
            if index > 0 { buffer.append(" . ") }
            switch field {
            case .family(let family): buffer.append(family.rawValue)
            case .ipv4(let range): buffer.append(range: range)
            case .ipv6(let range): buffer.append(range: range)
            case .service(let range): buffer.append(range.text)
            case .proto(let number): buffer.append(L4Protocol(rawValue: number)?.word ?? String(number))
            case .interface(let name): buffer.append("\"\(name)\"")
            }
        }
        if let timeout = element.timeout { buffer.append(" timeout \(duration(milliseconds: timeout))") }
        if let verdict = element.verdict { buffer.append(" : \(verdict.text)") }
    }
}

extension NftText {
    /// `1h30m` or `59s992ms`, with no unit of which there is none.
    static func duration(milliseconds: UInt64) -> String {
        let units: [(word: String, length: UInt64)] = [
            ("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1),
        ]
        var rest = milliseconds
        var text = ""
        for unit in units where rest >= unit.length {
            text += "\(rest / unit.length)\(unit.word)"
            rest %= unit.length
        }
        return text.isEmpty ? "0s" : text
    }
}

extension NamedSet {
    /// How many elements nft puts on a line: it goes by the type of the key.
    fileprivate var elementsOnOneLine: Int {
        guard key.count == 1, let type = key.first else { return 1 }
        return switch type {
        case .nfProto, .ipv4Address: 2
        case .inetProtocol, .inetService: 5
        case .ipv6Address, .interfaceName: 1
        }
    }

    /// In the order of nft's listing: sorted, save for a concatenation of intervals, which stays as it was made.
    func listed(_ elements: [Element]) -> [Element] {
        if isInterval {
            return key.count > 1 ? elements : elements.sorted { $0.key.lexicographicallyPrecedes($1.key) }
        }
        let isHostOrder = key.count > 1 || key == [.interfaceName]
        return
            elements
            .map { (element: $0, bytes: isHostOrder ? Array($0.paddedKey.reversed()) : $0.paddedKey) }
            .sorted { $0.bytes.lexicographicallyPrecedes($1.bytes) }
            .map(\.element)
    }
}

extension Element {
    /// As the kernel holds the key: every field filled up to whole words.
    fileprivate var paddedKey: [UInt8] {
        key.flatMap { field in
            let bytes = field.low
            return bytes + Array(repeating: 0, count: (4 - bytes.count % 4) % 4)
        }
    }
}
