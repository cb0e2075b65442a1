internal import Diagnostics

/// Builds the tree out of the events, within limits that no honest policy comes near.
struct Composer: ~Copyable {
    /// Deeper than any policy is, and far from where recursion would end the stack.
    static let maximumDepth = 64
    /// Nodes counted with every alias replaced by what it stands for: room for a group of a million addresses written in
    /// place.
    static let maximumNodes = 2_000_000

    /// The text cannot be read any further; why is among the diagnostics.
    struct Stop: Error {}

    struct Subtree {
        var node: Node
        var count: Int
        var height: Int
    }

    let file: String
    let source: SourceText
    var events: EventStream
    var diagnostics: [Diagnostic] = []
    var anchors: [String: Subtree] = [:]
    var openAnchors: Set<String> = []
    var nodes = 0

    init(_ events: consuming EventStream, source: SourceText) {
        self.events = events
        self.source = source
        file = source.file
    }

    mutating func document() throws(Stop) -> Node? {
        _ = try next()
        let first = try next()
        guard case .documentStart = first.kind else { return nil }
        let root = try subtree(try next(), depth: 1).node
        _ = try next()
        let last = try next()
        if case .documentStart = last.kind {
            throw stop(
                .error(
                    .severalDocuments, at: span(last), "a second document starts here",
                    expected: "one document a file",
                    help: "remove this `---`, or put the second document into a file of its own and `include:` it"))
        }
        return root
    }

    private mutating func subtree(_ event: Event, depth: Int) throws(Stop) -> Subtree {
        if depth > Self.maximumDepth { throw stop(tooDeep(at: span(event))) }
        if let tag = event.tag {
            diagnostics.append(
                .error(
                    .yamlTag, at: span(event), "the tag \(quoted(tag.shorthand)) has no meaning in a policy",
                    expected: "a plain text, list or mapping", help: "remove the tag"))
        }
        nodes += 1
        try checkCount(at: span(event))
        switch event.kind {
        case .scalar(let scalar, let anchor):
            return remember(Subtree(node: Node(.scalar(scalar), span: span(event)), count: 1, height: 1), as: anchor)
        case .sequenceStart(let anchor):
            return try sequence(event, anchor: anchor, depth: depth)
        case .mappingStart(let anchor):
            return try mapping(event, anchor: anchor, depth: depth)
        case .alias(let anchor):
            return try alias(anchor, at: span(event), depth: depth)
        case .streamStart, .streamEnd, .documentStart, .documentEnd, .sequenceEnd, .mappingEnd:
            throw stop(.error(.yamlSyntax, at: span(event), "a value is missing here", expected: "a value"))
        }
    }

    private mutating func sequence(_ opening: Event, anchor: String?, depth: Int) throws(Stop) -> Subtree {
        if let anchor { openAnchors.insert(anchor) }
        var items: [Node] = []
        var last: Span?
        var result = Subtree(node: Node(.sequence([]), span: span(opening)), count: 1, height: 1)
        while true {
            let event = try next()
            if case .sequenceEnd = event.kind {
                result.node = Node(.sequence(items), span: span(opening, to: event, last: last))
                return remember(result, as: anchor)
            }
            let item = try subtree(event, depth: depth + 1)
            items.append(item.node)
            last = extent(of: item.node, readAt: event)
            result.count += item.count
            result.height = max(result.height, item.height + 1)
        }
    }

    private mutating func mapping(_ opening: Event, anchor: String?, depth: Int) throws(Stop) -> Subtree {
        if let anchor { openAnchors.insert(anchor) }
        var entries: [Node.Entry] = []
        var places: [String: Int] = [:]
        var merged: [Node.Entry] = []
        var last: Span?
        var result = Subtree(node: Node(.mapping([]), span: span(opening)), count: 1, height: 1)
        while true {
            let event = try next()
            if case .mappingEnd = event.kind {
                entries += merged.filter { places[$0.key] == nil }
                result.node = Node(.mapping(entries), span: span(opening, to: event, last: last))
                return remember(result, as: anchor)
            }
            let key = try subtree(event, depth: depth + 1)
            let valueEvent = try next()
            let value = try subtree(valueEvent, depth: depth + 1)
            last = extent(of: value.node, readAt: valueEvent)
            result.count += key.count + value.count
            result.height = max(result.height, value.height + 1, key.height + 1)
            if case .scalar(let scalar) = key.node.content, scalar.isPlain, scalar.text == "<<" {
                reportMergeKey(at: key.node.span)
                merged += inherited(value.node)
                continue
            }
            guard let name = keyText(key.node) else { continue }
            if let first = places[name] {
                diagnostics.append(
                    .error(
                        .duplicateKey, at: key.node.span, "the key \(quoted(name)) is written twice",
                        expected: "every key once",
                        help: "join the two, or rename one of them",
                        annotations: [.init(entries[first].keySpan, "first written here")]))
            } else {
                places[name] = entries.count
                entries.append(.init(key: name, keySpan: key.node.span, value: value.node))
            }
        }
    }

    private mutating func alias(_ anchor: String, at span: Span, depth: Int) throws(Stop) -> Subtree {
        guard let known = anchors[anchor] else {
            let isOpen = openAnchors.contains(anchor)
            let headline =
                isOpen
                ? "the alias `*\(anchor)` stands inside of what it stands for"
                : "no anchor `&\(anchor)` comes before this alias"
            let near = nearestName(to: anchor, in: anchors.keys.sorted())
            throw stop(
                .error(
                    .unknownAlias, at: span, headline, expected: "the name of an anchor that is complete",
                    help: near.map { "did you mean `*\($0)`?" }
                        ?? (isOpen ? "write out what is meant, without the alias" : nil)
                        ?? "`*` starts a YAML alias; a text that begins with it needs quotes"))
        }
        if depth + known.height - 1 > Self.maximumDepth { throw stop(tooDeep(at: span)) }
        nodes += known.count - 1
        try checkCount(at: span)
        return known
    }

    private mutating func remember(_ subtree: Subtree, as anchor: String?) -> Subtree {
        if let anchor {
            anchors[anchor] = subtree
            openAnchors.remove(anchor)
        }
        return subtree
    }

    private mutating func reportMergeKey(at span: Span) {
        diagnostics.append(
            .error(
                .mergeKey, at: span, "the merge key `<<` is not supported",
                help: "write the entries out; a list of addresses that is needed twice can be a group"))
    }

    /// What the merge key would bring, so that the reader of the tree does not miss it as well.
    private func inherited(_ value: Node) -> [Node.Entry] {
        switch value.content {
        case .mapping(let entries): entries
        case .scalar, .sequence: []
        }
    }

    private mutating func keyText(_ key: Node) -> String? {
        switch key.content {
        case .scalar(let scalar):
            if !key.isNull { return scalar.text }
        case .mapping(let entries) where entries.isEmpty:
            // `{{ name }}` is a mapping whose key is a mapping, and that has been reported for the inner braces.
            diagnostics.removeAll {
                $0.code == .keyNotText && $0.span.start > key.span.start && $0.span.end < key.span.end
            }
            diagnostics.append(
                .error(
                    .keyNotText, at: key.span, "this key is not a text", expected: "a text as the key of `key: value`",
                    help: "if `{{ }}` is a template's, render the template first; else put the text in quotes"))
            return nil
        case .sequence, .mapping:
            break
        }
        diagnostics.append(
            .error(
                .keyNotText, at: key.span, key.isNull ? "a key is missing before this `:`" : "this key is not a text",
                expected: "a text as the key of `key: value`",
                help: "a text that begins with `:`, `[` or `{` needs quotes"))
        return nil
    }

    private mutating func checkCount(at span: Span) throws(Stop) {
        guard nodes > Self.maximumNodes else { return }
        throw stop(
            .error(
                .tooManyNodes, at: span,
                "the file has more than \(Self.maximumNodes) values once its aliases are replaced by what they stand for",
                help: "put long lists of addresses into files, one address a line, and name them with `file:`"))
    }

    private func tooDeep(at span: Span) -> Diagnostic {
        .error(
            .nestingDepth, at: span, "lists and mappings nest more than \(Self.maximumDepth) deep",
            help: "no part of a policy is nested more than a few levels deep; is a bracket not closed?")
    }

    private mutating func next() throws(Stop) -> Event {
        do {
            return try events.next()
        } catch {
            throw stop(error.diagnostic(in: source))
        }
    }

    private mutating func stop(_ diagnostic: Diagnostic) -> Stop {
        diagnostics.append(diagnostic)
        return Stop()
    }

    private func span(_ event: Event) -> Span { Span(file: file, start: event.start, end: event.end) }

    /// Where a node was written; what an alias stands for was written elsewhere.
    private func extent(of node: Node, readAt event: Event) -> Span {
        if case .alias = event.kind { return span(event) }
        return node.span
    }

    /// A block's end event stands where the next token is, lines further down: the block ends with its last part.
    private func span(_ opening: Event, to closing: Event, last: Span?) -> Span {
        let isFlow = closing.end > closing.start
        return Span(file: file, start: opening.start, end: isFlow ? closing.end : last?.end ?? opening.end)
    }
}

extension String {
    /// `!!int`, as it is written, for `tag:yaml.org,2002:int`.
    fileprivate var shorthand: String {
        let standard = "tag:yaml.org,2002:"
        return hasPrefix(standard) ? "!!" + dropFirst(standard.count) : self
    }
}
