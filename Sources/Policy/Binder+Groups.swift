internal import Addressing
internal import Diagnostics
internal import YAML

extension Binder {
    static let reservedSources: Set<String> = ["anyone", "nobody"]

    mutating func bindGroups(_ node: Node) {
        guard let entries = entries(of: node, "`groups`", example: "`name: [addresses]` lines") else { return }
        for entry in entries {
            checkName(entry, "a group")
            if Self.reservedSources.contains(entry.key) {
                findings.add(
                    .error(
                        .reservedName, at: entry.keySpan,
                        "no group can be named \(quoted(entry.key)): the word has a meaning of its own",
                        help: "rename the group"))
            } else if AddressAdvice.looksLikeAddress(entry.key) {
                findings.add(
                    .error(
                        .reservedName, at: entry.keySpan,
                        "no group can be named \(quoted(entry.key)): it looks like an address",
                        help: "rename the group, for example to `office`"))
            }
            groups.declare(entry.key, span: entry.keySpan)
        }
        var lists: [String: AddressList] = [:]
        for entry in entries {
            if entry.value.isNull {
                reportMissingValue(entry, help: "a group without addresses is `[]`")
            } else {
                bindGroup(entry, &lists)
            }
        }
    }

    mutating func resolveGroups() {
        groups.resolve()
        findings.add(groups.diagnostics)
    }

    private mutating func bindGroup(_ entry: Node.Entry, _ lists: inout [String: AddressList]) {
        var ranges = AddressRanges()
        var references: [(name: String, span: Span)] = []
        let items: [Node]
        switch entry.value.content {
        case .sequence(let list): items = list
        case .scalar, .mapping: items = [entry.value]
        }
        for item in items {
            if let text = item.scalarText {
                if groups[text] != nil, !AddressAdvice.looksLikeAddress(text) {
                    references.append((text, item.span))
                    groups.use(text)
                } else if let address = address(text, at: item.span, as: .memberOf(group: entry.key)) {
                    ranges.append(address)
                }
            } else if let origin = origin(item) {
                switch origin {
                case .file(let name, let span): read(list: name, at: span, into: &ranges, &lists)
                case .domain(let span):
                    notSupported(
                        "a group of addresses that DNS answers (`dns:`)", at: span,
                        instead: "list the addresses, or keep a `file:` of them up to date")
                }
            }
        }
        groups.define(entry.key, addresses: ranges, references: references)
    }

    /// What the sources that are written somewhere are there.
    enum SourceRole {
        /// Let in by a service, or kept out.
        case allowed
        case memberOf(group: String)
        /// Those of whom a question is asked.
        case asked

        var group: String? {
            if case .memberOf(let group) = self { group } else { nil }
        }

        /// The words that may stand there instead of a group.
        var words: [String] {
            switch self {
            case .allowed: ["anyone", "nobody"]
            case .memberOf: []
            case .asked: ["anyone"]
            }
        }
    }

    /// An address where a group's name might stand too. Null when it is neither, which has been reported.
    mutating func address(_ text: String, at span: Span, as role: SourceRole = .allowed) -> AddressText? {
        do {
            let address = try AddressText(text)
            if let problem = AddressAdvice.problem(address, text, at: span) {
                findings.add(problem)
                return nil
            }
            return address
        } catch {
            if case .memberOf = role, Self.reservedSources.contains(text) {
                findings.add(
                    .error(
                        .reservedName, at: span, "\(quoted(text)) cannot be part of a group",
                        expected: AddressAdvice.expectedOrGroup,
                        help: "write `allow: \(text)` in the service that it is meant for"))
            } else if AddressAdvice.looksLikeAddress(text) || text.contains(",") || text.contains("/") {
                findings.add(
                    AddressAdvice.diagnostic(error, text, at: span, expected: AddressAdvice.expectedOrGroup))
            } else {
                reportUnknownGroup(text, at: span, as: role)
            }
            return nil
        }
    }

    mutating func reportUnknownGroup(_ text: String, at span: Span, as role: SourceRole = .allowed) {
        let words = [
            "anybody": "anyone", "everybody": "anyone", "public": "anyone", "internet": "anyone", "noone": "nobody",
            "all": "anyone", "any": "anyone", "everyone": "anyone", "*": "anyone", "none": "nobody", "world": "anyone",
        ]
        // Every name is looked at for a guess: with many groups and many errors, that would take hours.
        let names = findings.isWorthGuessing ? groups.names : []
        let known = names.filter { $0 != role.group } + role.words
        let near =
            words[text.lowercased()].flatMap { role.words.contains($0) ? $0 : nil } ?? nearestName(to: text, in: known)
        let isHostName = text.contains(".") && text.unicodeScalars.allSatisfy { $0.isASCII && $0 != " " }
        let help =
            if let near {
                "did you mean `\(near)`?"
            } else if isHostName {
                "a name of the DNS is not an address: list the addresses that it stands for"
            } else if names.isEmpty {
                text.utf8.count <= 63 ? "define it: `groups: { \(text): [192.0.2.1] }`" : "define it under `groups`"
            } else {
                "the groups are \(names.prefix(8).sorted().map { quoted($0) }.joined(separator: ", "))"
            }
        findings.add(
            .error(
                .unknownGroup, at: span, "there is no group \(quoted(text))",
                expected: role.words.map { "`\($0)`, " }.joined() + AddressAdvice.expectedOrGroup,
                help: help))
    }

    private enum Origin {
        case file(String, Span)
        case domain(Span)
    }

    /// `{ file: NAME }` or `{ dns: NAME }`
    private mutating func origin(_ node: Node) -> Origin? {
        if reportUnquotedAddress(node) { return nil }
        guard case .mapping(let entries) = node.content else {
            findings.add(
                .error(
                    .wrongType, at: node.span, "an address or the name of a group is wanted, and this is \(node.kind)",
                    expected: AddressAdvice.expectedOrGroup,
                    help: node.isNull ? "remove the `-` or the `,` before it" : "write all items in one list"))
            return nil
        }
        guard
            let fields = fields(
                of: node, "a group's source",
                KeyTable(
                    ["file", "dns"],
                    meanings: [
                        "path": "file", "list": "file", "host": "dns", "hostname": "dns", "name": "dns", "url": "file",
                    ]))
        else { return nil }
        if fields.has("file"), let span = fields.keys["dns"] {
            findings.add(
                .error(
                    .conflictingKeys, at: span, "`file` and `dns` stand in one mapping", expected: "one of them",
                    help: "write a list: `[{ file: … }, { dns: … }]`"))
            return nil
        }
        if let file = fields["file"] {
            if let name = file.scalarText, !name.isEmpty { return .file(name, file.span) }
            findings.add(
                .error(
                    .wrongType, at: file.span, "`file` names one file, and this is \(file.kind)",
                    expected: "the name of a file",
                    help: "for several files, write `[{ file: a.txt }, { file: b.txt }]`"))
        } else if let domain = fields["dns"] {
            if let name = domain.scalarText, HostName.isValid(name) { return .domain(domain.span) }
            findings.add(
                .error(
                    .badHostName, at: domain.span, "\(domain.cited) is not a name of the DNS",
                    expected: "a host's name such as `admin.example.net`",
                    help: domain.scalarText.flatMap { IPAddress($0) }.map { "write the address itself: `\($0)`" }))
        } else if entries.isEmpty {
            findings.add(
                .error(.missingKey, at: node.span, "the mapping is empty", expected: "`file: NAME` or `dns: NAME`"))
        }
        return nil
    }

    /// `- fe80::` is read by YAML as the key `fe80:` without a value.
    mutating func reportUnquotedAddress(_ node: Node) -> Bool {
        guard case .mapping(let entries) = node.content, entries.count == 1, let entry = entries.first else {
            return false
        }
        let text = entry.key + ":" + (entry.value.scalarText ?? "")
        guard entry.key.contains(":"), AddressAdvice.looksLikeAddress(text) else { return false }
        findings.add(
            .error(
                .unquotedAddress, at: entry.keySpan, "YAML cannot read \(quoted(text)) without quotes here",
                expected: "a quoted address", help: "write \"\(text)\""))
        return true
    }

    private mutating func read(
        list name: String, at span: Span, into ranges: inout AddressRanges, _ lists: inout [String: AddressList]
    ) {
        let path = SourcePath.resolve(name, namedIn: span.file)
        if let known = lists[path] {
            ranges.append(contentsOf: known.ranges)
            return
        }
        switch files.read(path, AddressList.maximumSize) {
        case .failure(let failure):
            findings.add(failure.diagnostic(for: path, at: span, limit: AddressList.maximumSize))
        case .success(let bytes):
            let source = SourceText(file: path, bytes: bytes)
            if bytes.starts(with: [0xff, 0xfe]) || bytes.starts(with: [0xfe, 0xff]), let problem = source.notUTF8 {
                findings.add(problem)
                return
            }
            let list = AddressList(source)
            if !sources.contains(where: { $0.file == path }) { sources.append(source) }
            findings.add(list.diagnostics)
            ranges.append(contentsOf: list.ranges)
            lists[path] = list
        }
    }
}
