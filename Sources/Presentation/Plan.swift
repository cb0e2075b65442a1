internal import Addressing
public import Nftables
internal import NftablesFormats
public import Reconcile
public import Simulator

/// What an apply will do: first to people's access, then to the table.
public struct Plan: Sendable {
    public var access: [AccessChange]
    public var difference: Difference
    /// The ruleset that is to be, for the words of its rules.
    public var desired: Ruleset
    public var connections: OpenConnections

    public init(
        access: [AccessChange], difference: Difference, desired: Ruleset, connections: OpenConnections = .untouched
    ) {
        self.access = access
        self.difference = difference
        self.desired = desired
        self.connections = connections
    }

    /// A line of the plan, with the sign that says which way it goes.
    public struct Line: Hashable, Sendable {
        public enum Sign: String, Sendable {
            case added = "+"
            case removed = "-"
            case replaced = "~"
            case note = " "
        }

        public var sign: Sign
        public var text: String
    }

    /// First what is done to the table as a whole, where it is not what differs alone.
    public var accessLines: [Line] {
        var lines: [Line] = []
        if case .rebuild(let reasons) = difference.scope {
            lines.append(
                Line(
                    sign: .note,
                    text: "the table is made anew, in one step, and its counters start at zero: "
                        + reasons.joined(separator: "; ")))
        }
        lines += access.flatMap(self.lines(for:))
        let unclear = Set(access.flatMap(\.notUnderstood)).sorted()
        if !unclear.isEmpty {
            lines.append(
                Line(
                    sign: .note,
                    text: "who has access now is not certain: the table holds what dockernft does not know ("
                        + unclear.joined(separator: ", ") + ")"))
        }
        return lines + connectionLines
    }

    private func lines(for change: AccessChange) -> [Line] {
        let door = change.door.text
        // At an address of the host there are clients of its family only.
        let everyone: AddressSet =
            switch change.door.address {
            case .one(.v4): AddressSet(v4: .all)
            case .one(.v6): AddressSet(v6: .all)
            case .any, .others: .all
            }
        // From everyone to a list: the list says it shorter than all that is outside of it.
        if change.before == everyone {
            if change.after.isEmpty { return [Line(sign: .removed, text: "nobody may reach \(door) any more")] }
            return [
                Line(sign: .removed, text: "only \(change.after.text()) may still reach \(door), nobody else")
            ]
        }
        if change.after == everyone { return [Line(sign: .added, text: "everyone may reach \(door)")] }
        var lines: [Line] = []
        let gained = change.gained
        let lost = change.lost
        if !lost.isEmpty { lines.append(Line(sign: .removed, text: "\(lost.text()) may no longer reach \(door)")) }
        if !gained.isEmpty { lines.append(Line(sign: .added, text: "\(gained.text()) may reach \(door)")) }
        return lines
    }

    public var ruleLines: [Line] { difference.changes.flatMap(lines(for:)) }

    private func lines(for change: Change) -> [Line] {
        switch change {
        case .addTable(let table): [Line(sign: .added, text: "table inet \(table.name)")]
        case .deleteTable(let name): [Line(sign: .removed, text: "table inet \(name)")]
        case .addCounter(let counter): [Line(sign: .added, text: "counter \(counter.name)")]
        case .deleteCounter(let name): [Line(sign: .removed, text: "counter \(name)")]
        case .addLimit(let limit): [Line(sign: .added, text: "limit \(limit.name)")]
        case .deleteLimit(let name): [Line(sign: .removed, text: "limit \(name)")]
        case .addSet(let set): [Line(sign: .added, text: "\(set.isMap ? "map" : "set") \(set.name)")]
        case .deleteSet(let name): [Line(sign: .removed, text: "set \(name)")]
        case .addElements(let set, let elements): Self.lines(.added, set, elements)
        case .deleteElements(let set, let elements): Self.lines(.removed, set, elements)
        case .addChain(let name, _): [Line(sign: .added, text: "chain \(name)")]
        case .deleteChain(let name): [Line(sign: .removed, text: "chain \(name)")]
        case .addRule(let rule, let chain, before: _):
            [Line(sign: .added, text: "rule in \(chain): \(text(rule, in: chain))")]
        case .replaceRule(let handle, with: let rule, let chain):
            [Line(sign: .replaced, text: "rule \(handle) in \(chain): \(text(rule, in: chain))")]
        case .deleteRule(let handle, let chain): [Line(sign: .removed, text: "rule \(handle) in \(chain)")]
        }
    }

    /// The rule in nft's words.
    private func text(_ rule: LinearRule, in chain: String) -> String {
        let rules = desired.chains.first { $0.name == chain }?.rules ?? []
        return rules.first { $0.linearized() == rule }.map { NftText.text(rule: $0) } ?? rule.comment ?? ""
    }

    private static func lines(_ sign: Line.Sign, _ set: NamedSet.Header, _ elements: Elements) -> [Line] {
        let shown = 20
        let texts: [String] =
            switch elements {
            case .ipv4(let set): set.ranges.prefix(shown).map(\.text)
            case .ipv6(let set): set.ranges.prefix(shown).map(\.text)
            case .keyed(let elements): elements.prefix(shown).map { NftText.text(element: $0) }
            }
        let lines = texts.map { Line(sign: sign, text: "element of \(set.name): \($0)") }
        guard elements.count > shown else { return lines }
        return lines + [Line(sign: sign, text: "element of \(set.name): \(elements.count - shown) more")]
    }
}
