internal import Addressing
public import Nftables

/// Interfaces that no rule tells apart, with one of them for an example.
public struct Link: Hashable, Sendable {
    public var example: String
    /// Names and beginnings of names, and `other` for all that no rule names.
    public var names: [String]

    public init(example: String, names: [String]) {
        self.example = example
        self.names = names
    }
}

/// The kinds of interface that rulesets tell apart.
public struct Links: Sendable {
    /// All kinds, those that are trusted among them.
    public let all: [Link]
    /// Where clients come in by one of them.
    public let outside: [Link]
    /// Where containers are by one of them.
    public let bridges: [Link]

    public init(_ ruleset: LinearRuleset) { self.init(ruleset, nil) }

    /// A name that nobody gives to an interface stands for all that no rule names.
    private static let unnamed = "-"

    init(_ before: LinearRuleset?, _ after: LinearRuleset?) {
        let rulesets = [before, after].compactMap { $0 }
        let sets = rulesets.map { $0.sets.filter { $0.key == [.interfaceName] } }
        var named: Set<InterfaceName> = []
        for set in sets.joined() { named.formUnion(set.names) }
        var links: [Link] = [Link(example: Self.unnamed, names: ["other"])]
        for name in named.sorted() where name.description != "lo" {
            links.append(Link(example: name.example(besides: named), names: [name.description]))
        }
        // Interfaces that are in the same sets cannot be told apart by any rule.
        var kinds: [[Bool]: Link] = [:]
        var order: [[Bool]] = []
        for link in links {
            let kind = sets.joined().map { $0.holds(link.example) }
            if kinds[kind] == nil { order.append(kind) }
            kinds[kind, default: Link(example: link.example, names: [])].names += link.names
        }
        let distinct = order.compactMap { kinds[$0] }
        all = distinct
        outside = distinct.filter { link in rulesets.contains { $0.judges(link.example) } }
        let containers = distinct.filter { link in
            rulesets.contains { $0.set("containers")?.holds(link.example) == true }
        }
        bridges = containers.isEmpty ? [Link(example: Self.unnamed, names: ["other"])] : containers
    }
}

extension InterfaceName {
    /// A name that it stands for, and none of the others that are more specific.
    fileprivate func example(besides others: Set<InterfaceName>) -> String {
        guard isWildcard else { return stem }
        let isOwn = { (name: String) in
            !others.contains { $0 != self && $0.stem.utf8.count >= stem.utf8.count && $0.matches(name) }
        }
        let digits = "0123456789abcdefghijklmnopqrstuvwxyz".map { String($0) }
        let suffixes = digits + digits.flatMap { first in digits.map { first + $0 } }
        return suffixes.map { stem + $0 }.first(where: isOwn) ?? stem
    }
}

extension LinearRuleset {
    fileprivate func set(_ name: String) -> NamedSet? { sets.first { $0.name == name } }

    /// Whether what comes in by the interface is judged at all.
    fileprivate func judges(_ interface: String) -> Bool {
        if let external = set("external") { return external.holds(interface) }
        return set("internal")?.holds(interface) != true
    }
}

extension NamedSet {
    fileprivate var names: [InterfaceName] {
        guard case .keyed(let elements) = elements else { return [] }
        return elements.compactMap { element in
            if case .interface(let name) = element.key.first { name } else { nil }
        }
    }

    fileprivate func holds(_ interface: String) -> Bool { names.contains { $0.matches(interface) } }
}
