internal import Addressing
internal import Docker
internal import HostRules
internal import Policy

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
                for rule in chain.rules { named.formUnion(rule.instructions.flatMap(\.ports)) }
            }
        }
        for service in policy?.services ?? [] {
            for direct in service.direct where direct.range.ports.count < 1024 { named.formUnion(direct.range.ports) }
        }
        return Self.rarePorts.first { !named.contains($0) } ?? 47
    }

    /// Unassigned, or of protocols that nobody runs (IANA's registry).
    private static let rarePorts: [UInt16] = [47, 61, 81, 114, 222, 258, 778, 999, 1999, 6999]
}

extension Instruction {
    /// Of two bytes: what could be one.
    fileprivate var ports: [UInt16] {
        switch self {
        case .compare(_, _, let bytes): bytes.count == 2 ? [UInt16(bytes[0]) << 8 | UInt16(bytes[1])] : []
        case .xtables(.destinationPorts(let ranges, _)): ranges.filter { $0.count < 1024 }.flatMap { $0 }
        case .loadMeta, .loadConntrack, .loadPayload, .loadFIB, .loadControlGroup, .loadImmediate, .range, .bitwise,
            .byteorder, .lookup,
            .lookupValue, .lookupVerdict, .verdict, .destinationNAT, .redirect, .sourceNAT, .reject, .notrack, .limit,
            .noEffect, .xtables, .xtablesTarget, .unknown:
            []
        }
    }
}
