internal import Nftables

/// What a rule or a map's element names, of its own table.
enum Reference: Hashable {
    case chain(String)
    case set(String)
    case counter(String)
    case limit(String)
}

extension Expression {
    var reference: Reference? {
        switch self {
        case .lookup(let set, _, _): .set(set)
        case .verdictLookup(let map, _): .set(map)
        case .immediate(let verdict): verdict.target.map { .chain($0) }
        case .objectReference(.counter, let name): .counter(name)
        case .objectReference(.limit, let name): .limit(name)
        case .meta, .conntrack, .payload, .socket, .compare, .bitwise, .counter, .log, .reject, .opaque: nil
        }
    }

    func renamed(_ rename: (Reference) -> String) -> Self {
        guard let reference else { return self }
        return switch self {
        case .lookup(_, let register, let inverted): .lookup(set: rename(reference), register, inverted: inverted)
        case .verdictLookup(_, let register): .verdictLookup(map: rename(reference), register)
        case .immediate(let verdict): .immediate(verdict.renamed(rename))
        case .objectReference(let kind, _): .objectReference(kind, name: rename(reference))
        case .meta, .conntrack, .payload, .socket, .compare, .bitwise, .counter, .log, .reject, .opaque: self
        }
    }
}

extension Verdict {
    var target: String? {
        switch self {
        case .jump(let chain), .goto(let chain): chain
        case .accept, .drop, .return: nil
        }
    }

    func renamed(_ rename: (Reference) -> String) -> Self {
        switch self {
        case .jump(let chain): .jump(rename(.chain(chain)))
        case .goto(let chain): .goto(rename(.chain(chain)))
        case .accept, .drop, .return: self
        }
    }
}

extension LinearChain {
    var references: Set<Reference> { Set(rules.flatMap(\.expressions).compactMap(\.reference)) }

    func renamed(_ rename: (Reference) -> String) -> Self {
        var chain = self
        chain.name = rename(.chain(name))
        for index in rules.indices {
            chain.rules[index].expressions = rules[index].expressions.map { $0.renamed(rename) }
        }
        return chain
    }
}

extension NamedSet {
    /// The chains that a map leads to.
    var references: Set<Reference> {
        guard isMap, case .keyed(let elements) = elements else { return [] }
        return Set(elements.compactMap { $0.verdict?.target.map { .chain($0) } })
    }

    func renamed(_ rename: (Reference) -> String) -> Self {
        var set = self
        set.name = rename(.set(name))
        guard isMap, case .keyed(var elements) = elements else { return set }
        for index in elements.indices { elements[index].verdict = elements[index].verdict?.renamed(rename) }
        set.elements = .keyed(elements)
        return set
    }

    /// The same set, in whatever order its elements are listed.
    func isSame(as other: Self) -> Bool {
        guard header == other.header else { return false }
        return switch (elements, other.elements) {
        case (.keyed(let mine), .keyed(let theirs)): mine == theirs || Set(mine) == Set(theirs)
        case (.ipv4, _), (.ipv6, _), (.keyed, _): elements == other.elements
        }
    }
}

extension Reference {
    var name: String {
        switch self {
        case .chain(let name), .set(let name), .counter(let name), .limit(let name): name
        }
    }
}
