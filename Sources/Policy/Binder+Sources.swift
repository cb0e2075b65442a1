internal import Addressing
internal import Diagnostics
internal import YAML

extension Binder {
    /// `allow` or `except`: one source or a list of them.
    mutating func sources(_ node: Node, _ key: String) -> Sources {
        let emptyHelp =
            key == "allow" ? "to allow nobody, write `allow: nobody`" : "remove the key: there is no exception"
        guard let items = items(node, emptyHelp: emptyHelp) else { return .nobody }
        var anyone: Span?
        var nobody: Span?
        var named: Set<String> = []
        var ranges = AddressRanges()
        for item in items {
            guard let text = item.scalarText else {
                reportNotASource(item, key)
                continue
            }
            if text == "anyone" {
                anyone = item.span
            } else if text == "nobody" {
                nobody = item.span
            } else if let group = groups[text], !AddressAdvice.looksLikeAddress(text) {
                groups.use(text)
                named.insert(text)
                named.formUnion(group.group.members)
            } else if let address = address(text, at: item.span) {
                ranges.append(address)
            }
        }
        if let nobody, items.count > 1 {
            findings.add(
                .error(
                    .nobodyWithOthers, at: nobody, "`nobody` stands beside others",
                    expected: "`nobody` alone, or the others without it",
                    help: "remove `nobody`, or all the others"))
        } else if let anyone, items.count > 1 {
            findings.add(
                .warning(
                    .redundantSources, at: anyone, "`anyone` stands beside others, which add nothing to it",
                    help: "remove `anyone` to keep everybody else out, or remove the others"))
        }
        return anyone == nil ? .listed(groups: named.sorted(), addresses: ranges.set) : .anyone
    }

    private mutating func reportNotASource(_ item: Node, _ key: String) {
        if reportUnquotedAddress(item) { return }
        let help: String
        if case .mapping(let entries) = item.content, entries.contains(where: { $0.key == "file" || $0.key == "dns" }) {
            help = "define a group with it, and name the group here"
        } else if item.isNull {
            help = "remove the `-` or the `,` before it"
        } else {
            help = "write all sources in one list"
        }
        findings.add(
            .error(
                .wrongType, at: item.span, "`\(key)` names groups and addresses, and this is \(item.kind)",
                expected: "`anyone`, `nobody`, " + AddressAdvice.expectedOrGroup, help: help))
    }

    /// Every service says whom it allows. A service that forgot to would be closed, or worse, be taken for open.
    mutating func allowed(_ fields: Fields, of name: String, at span: Span) -> Sources {
        if let node = fields["allow"] { return sources(node, "allow") }
        if !fields.has("allow") {
            findings.add(
                .error(
                    .missingKey, at: span, "the service \(quoted(name)) does not say whom it allows",
                    expected: "`allow:` with groups and addresses",
                    help: "write `allow: anyone` to open it to all, or `allow: nobody` to close it"))
        }
        return .nobody
    }

    func addresses(of sources: Sources) -> AddressSet {
        switch sources {
        case .anyone: .all
        case .listed(let names, let addresses): addresses.union(groups.addresses(of: names))
        }
    }
}
