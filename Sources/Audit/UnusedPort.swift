internal import Addressing
internal import Docker
internal import HostRules
internal import Policy
internal import Reachability

extension Subject {
    /// A port that nobody names, to stand for all such.
    var unusedPort: UInt16 {
        var named: Set<UInt16> = []
        for container in inventory?.containers ?? [] {
            named.formUnion(container.bindings.map(\.containerPort))
            for range in container.publishedPorts where range.ports.count < 1024 { named.formUnion(range.ports) }
        }
        for table in rules.tables {
            for chain in table.chains {
                for rule in chain.rules {
                    for ports in rule.instructions.flatMap(\.ports) where ports.count < 1024 {
                        named.formUnion(ports)
                    }
                }
            }
        }
        for service in policy?.services ?? [] {
            for direct in service.direct where direct.range.ports.count < 1024 { named.formUnion(direct.range.ports) }
        }
        return Self.rarePorts.first { !named.contains($0) } ?? 47
    }

    /// Of all ports that these rules tell apart, one each: where each range begins, and what comes behind it.
    func ports(in doubts: Set<Doubt>) -> [UInt16] {
        let references = Set(doubts.compactMap(\.rule))
        var ports: Set<UInt16> = []
        for table in rules.tables {
            let label = "\(table.family.word) \(table.name)"
            let chains = Set(references.filter { $0.table == label }.map(\.chain))
            let handles = Set(references.filter { $0.table == label }.map(\.handle))
            for chain in table.chains where chains.contains(chain.name) {
                for rule in chain.rules where handles.contains(rule.handle) {
                    for range in rule.instructions.flatMap({ $0.ports + table.ports(in: $0) }) {
                        ports.insert(range.lowerBound)
                        if range.upperBound < .max { ports.insert(range.upperBound + 1) }
                        if range.lowerBound > 1 { ports.insert(range.lowerBound - 1) }
                    }
                }
            }
        }
        // Nobody listens on port 0.
        return ports.filter { $0 > 0 }.sorted()
    }

    /// Unassigned, or of protocols that nobody runs (IANA's registry).
    private static let rarePorts: [UInt16] = [47, 61, 81, 114, 222, 258, 778, 999, 1999, 6999]
}

extension HostTable {
    /// Of the set that it looks into: all fields that are as long as a port.
    fileprivate func ports(in instruction: Instruction) -> [ClosedRange<UInt16>] {
        guard let name = instruction.set, let set = sets.first(where: { $0.name == name }) else { return [] }
        var ranges: [ClosedRange<UInt16>] = []
        var start = 0
        for length in set.fieldLengths {
            if length == 2 {
                ranges += set.elements.compactMap { element in
                    guard let low = element.low.port(at: start), let high = element.high.port(at: start), low <= high
                    else { return nil }
                    return low...high
                }
            }
            start += (length + 3) / 4 * 4
        }
        return ranges
    }
}

extension [UInt8] {
    fileprivate func port(at start: Int) -> UInt16? {
        start + 1 < count ? UInt16(self[start]) << 8 | UInt16(self[start + 1]) : nil
    }
}

extension Instruction {
    fileprivate var set: String? {
        switch self {
        case .lookup(let set, _, _), .lookupValue(let set, _, _), .lookupVerdict(let set, _): set
        case .loadMeta, .loadConntrack, .loadPayload, .loadFIB, .loadControlGroup, .loadImmediate, .range, .bitwise,
            .byteorder,
            .compare, .verdict, .destinationNAT, .redirect, .sourceNAT, .reject, .notrack, .limit,
            .noEffect, .xtables, .xtablesTarget, .unknown:
            nil
        }
    }

    /// Of two bytes: what could be one.
    fileprivate var ports: [ClosedRange<UInt16>] {
        switch self {
        case .compare(_, _, let bytes): bytes.count == 2 ? bytes.port(at: 0).map { [$0...$0] } ?? [] : []
        case .range(_, let from, let to, _):
            if from.count == 2, let low = from.port(at: 0), let high = to.port(at: 0), low <= high {
                [low...high]
            } else {
                []
            }
        case .xtables(.destinationPorts(let ranges, _)): ranges
        case .xtables(.conntrack(let match)):
            [match.originalDestinationPort, match.replySourcePort].compactMap { $0?.value }
        case .loadMeta, .loadConntrack, .loadPayload, .loadFIB, .loadControlGroup, .loadImmediate, .bitwise, .byteorder,
            .lookup,
            .lookupValue, .lookupVerdict, .verdict, .destinationNAT, .redirect, .sourceNAT, .reject, .notrack, .limit,
            .noEffect, .xtables, .xtablesTarget, .unknown:
            []
        }
    }
}
