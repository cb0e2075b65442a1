internal import Addressing
internal import Nftables

extension NamedSet {
    /// In bytes, as registers hold it: each field of a concatenation takes whole words.
    var keyLength: Int {
        key.count == 1 ? key[0].length : key.reduce(0) { $0 + ($1.length + 3) / 4 * 4 }
    }

    enum Found: Equatable {
        case no
        case element(Verdict?)
    }

    func find(_ bytes: [UInt8]) -> Found {
        switch elements {
        case .ipv4(let addresses):
            guard let address = UInt32(networkOrder: bytes), addresses.contains(address) else { return .no }
            return .element(nil)
        case .ipv6(let addresses):
            guard let address = UInt128(networkOrder: bytes), addresses.contains(address) else { return .no }
            return .element(nil)
        case .keyed(let elements):
            // Intervals of one field do not overlap; of overlapping concatenations the first that was made is found.
            for element in elements where element.matches(bytes) { return .element(element.verdict) }
            return .no
        }
    }
}

extension Element {
    fileprivate func matches(_ bytes: [UInt8]) -> Bool {
        var start = 0
        for field in key {
            let low = field.low
            let high = field.high
            guard start + low.count <= bytes.count else { return false }
            let value = bytes[start..<start + low.count]
            if value.lexicographicallyPrecedes(low) || high.lexicographicallyPrecedes(value) { return false }
            start += (low.count + 3) / 4 * 4
        }
        return true
    }
}
