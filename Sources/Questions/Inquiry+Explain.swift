internal import Addressing
internal import Nftables
public import Policy
internal import Simulator

extension Inquiry {
    public mutating func explain(_ question: Question) -> Explanation {
        explain(question.clients.addresses, named: question.clients.text, question)
    }

    mutating func explain(_ clients: AddressSet, named name: String, _ question: Question) -> Explanation {
        var explanation = Explanation(
            verdict: .unknown, clients: name, destination: question.text, parts: [], obstacle: nil)
        switch tries(question.destination, clients) {
        case .failure(let obstacle): explanation.obstacle = obstacle.reason
        case .success(let tries):
            explanation.parts = parts(tries)
            let isAllowed = Set(explanation.parts.map(\.isAllowed))
            explanation.verdict = isAllowed.count > 1 ? .differs : isAllowed.contains(true) ? .allowed : .refused
        }
        return explanation
    }

    // MARK: Parts

    /// A way with all interfaces and bridges that are alike, and both families.
    private struct Place: Hashable {
        var way: Way
        var isAllowed: Bool
        var chain: String?
    }

    private struct Alike: Hashable {
        var clients: AddressSet
        var isAllowed: Bool
        var chain: String?
    }

    private mutating func parts(_ tries: [Trying]) -> [Explanation.Part] {
        var order: [Place] = []
        var clients: [Place: AddressSet] = [:]
        var examples: [Place: [Trying]] = [:]
        for tried in tries {
            for (set, isAllowed) in [(tried.allowed, true), (tried.refused, false)] where !set.isEmpty {
                let place = Place(way: tried.way, isAllowed: isAllowed, chain: tried.chain)
                if clients[place] == nil { order.append(place) }
                clients[place] = (clients[place] ?? AddressSet()).union(set)
                examples[place, default: []].append(tried)
            }
        }
        var groups: [Alike] = []
        var ways: [Alike: [Way]] = [:]
        var first: [Alike: [Trying]] = [:]
        for place in order {
            let alike = Alike(
                clients: clients[place] ?? AddressSet(), isAllowed: place.isAllowed, chain: place.chain)
            if ways[alike] == nil {
                groups.append(alike)
                first[alike] = examples[place]
            }
            ways[alike, default: []].append(place.way)
        }
        return groups.map { alike in
            Explanation.Part(
                clients: alike.clients, isAllowed: alike.isAllowed, ways: shortened(Way.joined(ways[alike] ?? [])),
                decisions: decisions(first[alike] ?? [], isAllowed: alike.isAllowed))
        }.sorted { !$0.isAllowed && $1.isAllowed }
    }

    /// One for each rule that decides; the two families have rules of their own.
    private mutating func decisions(_ tries: [Trying], isAllowed: Bool) -> [Decision] {
        var decisions: [Decision] = []
        for tried in tries {
            let clients = isAllowed ? tried.allowed : tried.refused
            guard let example = clients.example else { continue }
            let decision = decision(tried, of: example)
            let isKnown = decisions.contains {
                $0.chain == decision.chain && $0.rule?.index == decision.rule?.index && $0.change == decision.change
            }
            if !isKnown { decisions.append(decision) }
        }
        return decisions
    }
}

extension AddressSet {
    /// One of them, and one that a person would take where there are all of a family to choose from.
    fileprivate var example: IPAddress? {
        let usual: [IPAddress] = [
            .v4(IPv4Address(0xcb00_7101)), .v6(IPv6Address(0x2001_0db8 << 96 | 1)),
        ]
        let startsAtZero = v4.ranges.first?.lowerBound == 0 || v4.isEmpty && v6.ranges.first?.lowerBound == 0
        if startsAtZero, let chosen = usual.first(where: { contains($0) }) { return chosen }
        return v4.ranges.first.map { .v4(IPv4Address($0.lowerBound)) }
            ?? v6.ranges.first.map { .v6(IPv6Address($0.lowerBound)) }
    }
}

extension Way {
    /// What is the same but for the interface, the bridge or neighbouring ports is said once.
    static func joined(_ ways: [Way]) -> [Way] {
        var result: [Way] = []
        for way in ways {
            if let index = result.firstIndex(where: { $0.isSame(as: way, but: \.interfaces, []) }) {
                result[index].interfaces = Set(result[index].interfaces + way.interfaces).sorted()
            } else if let index = result.firstIndex(where: { $0.isSame(as: way, but: \.bridges, []) }) {
                result[index].bridges = Set(result[index].bridges + way.bridges).sorted()
            } else if let index = result.firstIndex(where: { $0.precedes(way) }) {
                result[index].ports = result[index].ports.lowerBound...way.ports.upperBound
            } else {
                result.append(way)
            }
        }
        return result.sorted {
            ($0.transport, $0.ports.lowerBound, $0.path) < ($1.transport, $1.ports.lowerBound, $1.path)
        }
    }

    private func isSame(as other: Way, but key: WritableKeyPath<Way, [String]>, _ blank: [String]) -> Bool {
        var left = self
        var right = other
        left[keyPath: key] = blank
        right[keyPath: key] = blank
        return left == right
    }

    private func precedes(_ other: Way) -> Bool {
        guard Int(ports.upperBound) + 1 == Int(other.ports.lowerBound) else { return false }
        var moved = self
        moved.ports = other.ports
        return moved == other
    }
}
