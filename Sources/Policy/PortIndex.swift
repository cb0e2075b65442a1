internal import Addressing
internal import Diagnostics

/// Ports by number, to find the first of many services that share one.
struct PortIndex {
    struct Entry {
        var placed: PlacedPorts
        var service: Int
    }

    private var entries: [Entry] = []
    /// For each entry, the one up to it that reaches furthest.
    private var furthest: [Int] = []

    mutating func insert(_ placed: PlacedPorts, of service: Int) {
        entries.append(Entry(placed: placed, service: service))
    }

    mutating func sort() {
        entries.sort { ($0.placed.range, $0.service) < ($1.placed.range, $1.service) }
        furthest = []
        for index in entries.indices {
            let range = entries[index].placed.range
            if let last = furthest.last, entries[last].placed.range.transport == range.transport,
                entries[last].placed.range.ports.upperBound >= range.ports.upperBound
            {
                furthest.append(last)
            } else {
                furthest.append(index)
            }
        }
    }

    /// An entry that shares a port, of a service before this one if there is one, so that a pair is said once.
    func first(overlapping placed: PlacedPorts, before service: Int?) -> Entry? {
        let wanted = placed.range
        var low = 0
        var high = entries.count
        while low < high {
            let middle = (low + high) / 2
            let range = entries[middle].placed.range
            if (range.transport, range.ports.lowerBound) <= (wanted.transport, wanted.ports.upperBound) {
                low = middle + 1
            } else {
                high = middle
            }
        }
        var steps = 0
        var index = low - 1
        while index >= 0, steps < 64 {
            let reach = entries[furthest[index]].placed.range
            guard reach.transport == wanted.transport, reach.ports.upperBound >= wanted.ports.lowerBound else {
                return nil
            }
            let entry = entries[index]
            if entry.placed.range.ports.overlaps(wanted.ports), entry.service < service ?? Int.max { return entry }
            index -= 1
            steps += 1
        }
        return nil
    }
}
