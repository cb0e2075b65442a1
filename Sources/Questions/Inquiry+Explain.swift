internal import Addressing
internal import Nftables
public import Policy
internal import Simulator

extension Inquiry {
    public mutating func explain(_ question: Question) -> Explanation {
        var explanation = Explanation(
            verdict: .unknown, clients: question.clients.text, destination: question.text, parts: [], obstacle: nil)
        switch tries(question.destination, question.clients.addresses, .all(atMost: Self.mostTries)) {
        case .failure(let obstacle): explanation.obstacle = obstacle.reason
        case .success(let tries):
            let notUnderstood = tries.reduce(into: Set()) { $0.formUnion($1.notUnderstood) }
            guard notUnderstood.isEmpty else {
                explanation.obstacle = .notUnderstood(notUnderstood.sorted())
                break
            }
            let certain = tries.filter { $0.existence == .certain }
            explanation.parts = parts(certain)
            let verdict = Self.verdict(certain)
            if verdict == Self.verdict(tries) {
                explanation.verdict = verdict
            } else {
                explanation.obstacle = .proxyNotKnown
            }
        }
        return explanation
    }

    private static func verdict(_ tries: [Trying]) -> Explanation.Verdict {
        let isAny = (allowed: tries.contains { !$0.allowed.isEmpty }, refused: tries.contains { !$0.refused.isEmpty })
        return isAny.allowed && isAny.refused ? .differs : isAny.allowed ? .allowed : .refused
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

    /// Of thousands of services at once, nobody reads what decides each.
    private static var mostDecided: Int { 64 }

    /// Each may hold a set of a hundred thousand.
    private static var mostTries: Int { 2048 }

    mutating func parts(_ tries: [Trying]) -> [Explanation.Part] {
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
        let ordered = groups.filter { !$0.isAllowed } + groups.filter(\.isAllowed)
        return ordered.enumerated().map { number, alike in
            Explanation.Part(
                clients: alike.clients, isAllowed: alike.isAllowed, ways: shortened(Way.joined(ways[alike] ?? [])),
                decisions: number < Self.mostDecided
                    ? decisions(first[alike] ?? [], isAllowed: alike.isAllowed) : [])
        }
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
        let merged = grouped(grouped(ways, by: \.interfaces), by: \.bridges)
        var order: [Way] = []
        var ports: [Way: [ClosedRange<UInt32>]] = [:]
        for way in merged {
            var key = way
            key.ports = 0...0
            if ports[key] == nil { order.append(key) }
            ports[key, default: []].append(UInt32(way.ports.lowerBound)...UInt32(way.ports.upperBound))
        }
        return order.flatMap { key in
            IntervalSet(ports[key] ?? []).ranges.map { range in
                var way = key
                way.ports = UInt16(range.lowerBound)...UInt16(range.upperBound)
                return way
            }
        }.sorted { ($0.transport, $0.ports.lowerBound, $0.path) < ($1.transport, $1.ports.lowerBound, $1.path) }
    }

    private static func grouped(_ ways: [Way], by names: WritableKeyPath<Way, [String]>) -> [Way] {
        var order: [Way] = []
        var found: [Way: Set<String>] = [:]
        for way in ways {
            var key = way
            key[keyPath: names] = []
            if found[key] == nil { order.append(key) }
            found[key, default: []].formUnion(way[keyPath: names])
        }
        return order.map { key in
            var way = key
            way[keyPath: names] = (found[key] ?? []).sorted()
            return way
        }
    }
}
