internal import Addressing
internal import Diagnostics

/// The groups and which names which.
struct GroupGraph {
    static let maximumDepth = 64

    struct Vertex {
        var group: Group
        /// Addresses as they were written, before overlapping ones were merged.
        var count = 0
        var references: [(name: String, span: Span)] = []
        var height: Int?
        var isUsed = false
    }

    private(set) var vertices: [Vertex] = []
    private var places: [String: Int] = [:]
    private var isTooDeep = false
    private(set) var diagnostics: [Diagnostic] = []

    init() {}

    /// Of groups whose names have been followed.
    init(_ resolved: [Group]) {
        vertices = resolved.map { Vertex(group: $0, height: 1) }
        for (place, group) in resolved.enumerated() { places[group.name] = place }
    }

    subscript(_ name: String) -> Vertex? { places[name].map { vertices[$0] } }

    var names: [String] { vertices.map { $0.group.name } }
    var resolved: [Group] { vertices.map { $0.group } }

    mutating func declare(_ name: String, span: Span) {
        places[name] = vertices.count
        vertices.append(Vertex(group: Group(name: name, addresses: AddressSet(), members: [], span: span)))
    }

    mutating func define(_ name: String, addresses: AddressRanges, references: [(name: String, span: Span)]) {
        guard let place = places[name] else { return }
        vertices[place].group.addresses = addresses.set
        vertices[place].count = addresses.count
        vertices[place].references = references
    }

    mutating func use(_ name: String) {
        if let place = places[name] { vertices[place].isUsed = true }
    }

    /// All that these groups hold, and what the groups hold that they name.
    func addresses(of groups: [String]) -> AddressSet {
        groups.reduce(AddressSet()) { set, name in set.union(self[name]?.group.addresses ?? AddressSet()) }
    }

    /// Follows every name to its end, once.
    mutating func resolve() {
        for place in vertices.indices where vertices[place].height == nil && !isTooDeep {
            var path: [(place: Int, span: Span)] = []
            visit(place, namedAt: vertices[place].group.span, &path)
        }
        for place in vertices.indices {
            let members = vertices[place].group.members
            let count = members.reduce(vertices[place].count) { $0 + (self[$1]?.count ?? 0) }
            guard count > AddressList.maximumAddresses else { continue }
            diagnostics.append(
                .error(
                    .tooManyAddresses, at: vertices[place].group.span,
                    "the group \(quoted(vertices[place].group.name)) has \(count) addresses",
                    expected:
                        "at most \(AddressList.maximumAddresses) addresses a group, with the groups that it names",
                    help: "merge neighbours into prefixes, or divide it into several groups"))
        }
    }

    private mutating func visit(_ place: Int, namedAt span: Span, _ path: inout [(place: Int, span: Span)]) {
        if let start = path.firstIndex(where: { $0.place == place }) {
            reportCycle(path[start...] + [(place, span)])
            return
        }
        guard vertices[place].height == nil else { return }
        path.append((place, span))
        defer { path.removeLast() }
        guard path.count <= Self.maximumDepth else {
            reportDepth(of: path[0].place)
            return
        }
        var height = 0
        var members: Set<String> = []
        for (name, span) in vertices[place].references {
            guard let next = places[name] else { continue }
            visit(next, namedAt: span, &path)
            if isTooDeep { return }
            height = max(height, vertices[next].height ?? 0)
            members.insert(name)
            members.formUnion(vertices[next].group.members)
        }
        members.remove(vertices[place].group.name)
        vertices[place].height = height + 1
        vertices[place].group.members = members.sorted()
        if height + 1 > Self.maximumDepth { reportDepth(of: place) }
    }

    private mutating func reportCycle(_ cycle: ArraySlice<(place: Int, span: Span)>) {
        let names = cycle.map { vertices[$0.place].group.name }
        guard let last = cycle.last else { return }
        let steps = cycle.dropFirst().dropLast().map { step in
            Diagnostic.Annotation(step.span, "names \(quoted(vertices[step.place].group.name))")
        }
        diagnostics.append(
            .error(
                .groupCycle, at: last.span,
                names.count == 2
                    ? "the group \(quoted(names[0])) names itself"
                    : "these groups name each other in a circle: \(names.map { quoted($0) }.joined(separator: " → "))",
                help: "remove one of these names", annotations: steps))
    }

    private mutating func reportDepth(of place: Int) {
        isTooDeep = true
        diagnostics.append(
            .error(
                .groupDepth, at: vertices[place].group.span,
                "the group \(quoted(vertices[place].group.name)) nests groups more than \(Self.maximumDepth) deep",
                help: "name the inner groups directly"))
    }
}
