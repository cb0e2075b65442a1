import Addressing
import Nftables
import NftablesFormats
import Samples
import Testing

@Suite("What we write, the real nft reads", .needsNft)
struct NftTests {
    static let rulesets = [EveryCase.ruleset(rules: EveryCase.rules), Sample.ruleset]

    @Test("Text loads and lists as it was written", arguments: 0..<2)
    func textListsAsWritten(number: Int) throws {
        let everything = Self.rulesets[number]
        let listing = try NetworkNamespace.with { namespace in
            _ = try namespace.nft("-f", "-", input: NftText.bytes(everything))
            return try namespace.nft("list", "table", "inet", "dockernft")
        }
        expectSameLines(listing, NftText.listing(everything))
    }

    @Test("What nft lists loads again, over itself, and lists the same", arguments: 0..<2)
    func listingLoadsAgain(number: Int) throws {
        let everything = Self.rulesets[number]
        try NetworkNamespace.with { namespace in
            _ = try namespace.nft("-f", "-", input: NftText.bytes(everything))
            _ = try namespace.nft("-f", "-", input: NftText.bytes(everything))
            let first = try namespace.nft("list", "table", "inet", "dockernft")
            let again = "table inet dockernft\ndelete table inet dockernft\n" + first
            _ = try namespace.nft("-f", "-", input: Array(again.utf8))
            #expect(try namespace.nft("list", "table", "inet", "dockernft") == first)
        }
    }

    @Test("JSON loads and lists as the text does", arguments: 0..<2)
    func jsonListsAsText(number: Int) throws {
        let everything = Self.rulesets[number]
        var withoutComment = everything
        // nft 1.0.6 knows no comment of a table in JSON.
        withoutComment.table.comment = nil
        let listing = try NetworkNamespace.with { namespace in
            _ = try namespace.nft("-j", "-f", "-", input: NftJSON.bytes(everything))
            _ = try namespace.nft("-j", "-f", "-", input: NftJSON.bytes(everything))
            return try namespace.nft("list", "table", "inet", "dockernft")
        }
        expectSameLines(
            listing.replacingTableComment, NftText.listing(withoutComment))
    }

    @Test("A map whose elements go by themselves is listed and loaded, by text and by JSON")
    func elementsThatTimeOut() throws {
        let elements = [
            Element(key: [.family(.ipv4)], verdict: .goto("next"), timeout: 93_784_000),
            Element(key: [.family(.ipv6)], verdict: .accept),
        ]
        let map = NamedSet(
            name: "waiting", key: [.nfProto], isMap: true, isInterval: false, timesOut: true, elements: .keyed(elements)
        )
        let ruleset = Ruleset(
            table: Table(name: "dockernft"), sets: [map],
            chains: [
                Chain(name: "next"),
                Chain(name: "asking", rules: [Rule([.verdictMap([.meta(.nfproto)], map: "waiting")])]),
            ])
        let text = NftText.listing(ruleset)
        #expect(text.contains("elements = { ipv4 timeout 1d2h3m4s : goto next, ipv6 : accept }"))
        for arguments in [["-f"], ["-j", "-f"]] {
            let input = arguments.count == 1 ? NftText.bytes(ruleset) : NftJSON.bytes(ruleset)
            let listing = try NetworkNamespace.with { namespace in
                _ = try namespace.run(["nft"] + arguments + ["-"], input: input)
                return try namespace.nft("list", "table", "inet", "dockernft")
            }
            expectSameLines(listing.replacing(#/ expires \w+/#, with: ""), text)
        }
    }

    @Test("A rule's expressions are those that nft makes of its text")
    func expressionsAreNfts() throws {
        let ruleset = EveryCase.ruleset(rules: EveryCase.rules + EveryCase.listedOtherwise)
        let output = try NetworkNamespace.with { namespace in
            try namespace.nft("--debug=netlink", "-f", "-", input: NftText.bytes(ruleset))
        }
        expectSameRules(output, ruleset)
    }

    @Test("A rule's expressions are those that nft makes of its JSON")
    func expressionsOfJSON() throws {
        let ruleset = EveryCase.ruleset(rules: EveryCase.rules + EveryCase.listedOtherwise)
        let output = try NetworkNamespace.with { namespace in
            try namespace.nft("--debug=netlink", "-j", "-f", "-", input: NftJSON.bytes(ruleset))
        }
        expectSameRules(output, ruleset)
    }

    @Test("Two ports that must both differ are two conditions, though nft 1.0.6 makes one of them")
    func differingPortsStayApart() {
        let rule = Rule([
            .match(.header(.sourcePort(.udp)), .notEquals(.port(67))),
            .match(.header(.destinationPort(.udp)), .notEquals(.port(68))),
        ])
        let text = ExpressionText.text(rule: rule.linearized())
        #expect(text.contains("cmp neq reg 1 0x00004300"))
        #expect(text.contains("cmp neq reg 1 0x00004400"))
    }

    @Test("What nft has no letters for is written so that it reads alike")
    func unspeakable() throws {
        let rule = Rule(
            [.log(prefix: "cost $5 \"each\"", .kernel)],
            comment: "one\ntwo \"three\"" + String(repeating: "é", count: 70))
        let text = NftText.text(rule: rule)
        let end = String(repeating: "é", count: 56)
        #expect(text == "log prefix \"cost S5 'each'\" comment \"one two 'three'\(end)\"")
        #expect(Spelling.comment(rule.comment ?? "").utf8.count <= Spelling.maximumComment)
        let listing = try NetworkNamespace.with { namespace in
            _ = try namespace.nft("-f", "-", input: NftText.bytes(EveryCase.ruleset(rules: [rule])))
            return try namespace.nft("list", "chain", "inet", "dockernft", "every-rule")
        }
        #expect(listing.contains("\t\t\(text)\n"))
    }

    private func expectSameRules(_ output: String, _ ruleset: Ruleset) {
        let linear = ruleset.linearized()
        let expected = linear.chains.flatMap { chain in
            chain.rules.map { "inet dockernft \(chain.name)\n" + ExpressionText.text(rule: $0) }
        }
        let rules = output.debuggedRules
        #expect(rules.count == expected.count)
        let texts = ruleset.chains.flatMap { $0.rules }.map { NftText.text(rule: $0) }
        for (index, pair) in zip(rules, expected).enumerated() {
            #expect(pair.0 == pair.1, "\(texts[index])")
        }
    }
}

func expectSameLines(_ actual: String, _ expected: String, sourceLocation: SourceLocation = #_sourceLocation) {
    let actual = actual.split(separator: "\n", omittingEmptySubsequences: false)
    let expected = expected.split(separator: "\n", omittingEmptySubsequences: false)
    #expect(actual.count == expected.count, sourceLocation: sourceLocation)
    for (actual, expected) in zip(actual, expected) {
        #expect(actual == expected, sourceLocation: sourceLocation)
    }
}

extension String {
    /// The rules of `--debug=netlink`, each with its expressions, without the declarations around them.
    var debuggedRules: [String] {
        var rules: [String] = []
        for line in split(separator: "\n") {
            if line.hasPrefix("inet dockernft ") {
                rules.append(line + "\n")
            } else if line.hasPrefix("  [ "), let last = rules.indices.last {
                rules[last] += line + "\n"
            }
        }
        return rules
    }

    /// Without the line of the table's own comment, should this nft know it.
    fileprivate var replacingTableComment: String {
        var lines = split(separator: "\n", omittingEmptySubsequences: false)
        if lines.count > 1, lines[1].hasPrefix("\tcomment ") { lines.remove(at: 1) }
        return lines.joined(separator: "\n")
    }
}
