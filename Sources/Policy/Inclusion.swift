internal import Diagnostics
internal import YAML

/// Reads the policy's file and those that it includes, and lays their mappings together as if they were one.
struct Inclusion {
    static let maximumDepth = 16
    /// Two files that include each other by ever new names, `a/x` and `b/x`, are 2¹⁶ files at that depth.
    static let maximumFiles = 256

    let files: SourceFiles
    private(set) var sources: [SourceText] = []
    private(set) var findings = Findings()
    private(set) var entries: [Node.Entry] = []
    private(set) var hasRoot = false
    private var seen: Set<String> = []
    private var isFull = false

    init(files: SourceFiles) { self.files = files }

    mutating func read(root path: String) {
        hasRoot = read(path, namedAt: nil, chain: [])
    }

    @discardableResult
    private mutating func read(_ path: String, namedAt span: Span?, chain: [String]) -> Bool {
        let name = SourcePath.normalized(path)
        if let start = chain.firstIndex(of: name), let span {
            let cycle = (chain[start...] + [name]).joined(separator: " → ")
            findings.add(
                .error(
                    .includeCycle, at: span, "the file includes itself: \(cycle)", help: "remove one of these includes")
            )
            return false
        }
        if seen.contains(name) { return true }
        if seen.count >= Self.maximumFiles, let span {
            if !isFull {
                findings.add(
                    .error(
                        .tooManyFiles, at: span, "the policy includes more than \(Self.maximumFiles) files",
                        help: "lay files together; does a link to a folder give files ever new names?"))
            }
            isFull = true
            return false
        }
        seen.insert(name)
        if chain.count > Self.maximumDepth, let span {
            findings.add(.error(.includeDepth, at: span, "includes nest more than \(Self.maximumDepth) deep"))
            return false
        }
        let bytes: [UInt8]
        switch files.read(path, Node.maximumSize) {
        case .success(let read): bytes = read
        case .failure(let failure):
            findings.add(failure.diagnostic(for: path, at: span, limit: Node.maximumSize))
            return false
        }
        let source = SourceText(file: path, bytes: bytes)
        sources.append(source)
        let (root, problems) = Node.parse(source)
        findings.add(problems)
        guard let root else { return false }
        guard case .mapping(let own) = root.content else {
            findings.add(
                .error(
                    .wrongType, at: root.span, "\(quoted(path)) holds \(root.kind), not a mapping",
                    expected: "`key: value` lines, from `version: 1` on"))
            return false
        }
        checkVersion(own, of: path, isRoot: span == nil)
        entries = merging(entries, own.filter { $0.key != "version" && $0.key != "include" }, section: "")
        if let include = own.first(where: { $0.key == "include" }) {
            for (name, span) in includedNames(include.value) {
                read(
                    SourcePath.resolve(name, namedIn: path), namedAt: span, chain: chain + [SourcePath.normalized(path)]
                )
            }
        }
        return true
    }

    private mutating func includedNames(_ node: Node) -> [(String, Span)] {
        let nodes: [Node]
        switch node.content {
        case .sequence(let items): nodes = items
        case .scalar, .mapping: nodes = [node]
        }
        var names: [(String, Span)] = []
        for node in nodes {
            if case .scalar(let scalar) = node.content, !scalar.text.isEmpty {
                names.append((scalar.text, node.span))
            } else {
                findings.add(
                    .error(
                        .wrongType, at: node.span, "`include` names files, and this is \(node.kind)",
                        expected: "the name of a file, or a list of names"))
            }
        }
        return names
    }

    private mutating func checkVersion(_ entries: [Node.Entry], of path: String, isRoot: Bool) {
        guard let entry = entries.first(where: { $0.key == "version" }) else {
            if isRoot {
                findings.add(
                    .error(
                        .missingKey, at: Span(start: path), "the policy does not say its `version`",
                        expected: "`version: 1`", help: "write `version: 1` as the first line"))
            }
            return
        }
        if case .scalar(let scalar) = entry.value.content, scalar.text == "1" { return }
        let written = entry.value.scalarText.map { quoted($0) } ?? entry.value.kind
        findings.add(
            .error(
                .unsupportedVersion, at: entry.value.span,
                "\(written) is not a version of the policy file that is known here",
                expected: "`1`", help: "write `version: 1`, or use a dockernft that knows this version"))
    }

    /// Sections that several files may add to; what is not among them may be said once.
    private static let sections: Set<String> = ["interfaces", "groups", "services", "log", "host", "host.services"]

    private mutating func merging(_ old: [Node.Entry], _ new: [Node.Entry], section: String) -> [Node.Entry] {
        var result = old
        var places: [String: Int] = [:]
        for (index, entry) in old.enumerated() { places[entry.key] = index }
        for entry in new {
            guard let place = places[entry.key] else {
                places[entry.key] = result.count
                result.append(entry)
                continue
            }
            let first = result[place]
            let path = section.isEmpty ? entry.key : "\(section).\(entry.key)"
            if Self.sections.contains(path), case .mapping(let left) = first.value.content,
                case .mapping(let right) = entry.value.content
            {
                result[place].value.content = .mapping(merging(left, right, section: path))
            } else if path == "expect", case .sequence(let left) = first.value.content,
                case .sequence(let right) = entry.value.content
            {
                result[place].value.content = .sequence(left + right)
            } else {
                findings.add(
                    .error(
                        .definedTwice, at: entry.keySpan, "\(quoted(entry.key)) is defined in two files",
                        expected: "every name in one file only", help: "remove or rename one of the two",
                        annotations: [.init(first.keySpan, "first defined here")]))
            }
        }
        return result
    }
}
