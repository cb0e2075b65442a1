import Compiler
import MatrixSupport
import Nftables
import NftablesFormats
import NftablesKernel
import Reconcile
import Simulator
import TestSupport
import Testing

/// What we mean, what nft means and what the kernel holds are one.
@Suite(.requires(.root, .nft)) struct `Every case's ruleset` {
    @Test(arguments: try Case.names()) func `is the expressions that nft makes of its text`(name: String) throws {
        let it = try Case(name)
        let output = try NetworkNamespace.with("oracle") { namespace in
            try namespace.run("nft", "--debug=netlink", "-f", "-", input: NftText.text(it.ruleset)).orThrow()
        }
        let expected = it.linear.chains.flatMap { chain in
            chain.rules.map { "inet \(Compiler.tableName) \(chain.name)\n" + ExpressionText.text(rule: $0) }
        }
        #expect(Self.rules(ofDebug: output) == expected)
    }

    @Test(arguments: try Case.names()) func `comes back from the kernel as it went, and is not sent twice`(name: String)
        throws
    {
        let it = try Case(name)
        try NetworkNamespace.with("oracle") { namespace in
            var connection = try KernelConnection(namespace: namespace.path)
            #expect(try connection.apply(it.linear).scope == .create)
            let live = try #require(try connection.readTable(named: Compiler.tableName))
            #expect(live.oddities.isEmpty)
            #expect(Difference(from: live.ruleset, to: it.linear).isEmpty)
            #expect(PolicyDigest.hexadecimal(of: live.ruleset) == Compiler.digest(of: it.linear))
            let generation = try connection.generation()
            #expect(try connection.apply(it.linear).isEmpty)
            #expect(try connection.generation() == generation)
        }
    }

    @Test(arguments: try Case.names())
    func `is the same table by netlink, by nft's text and by nft's JSON, and loads from its own listing`(name: String)
        throws
    {
        let it = try Case(name)
        let pushed = try Listing { namespace in
            var connection = try KernelConnection(namespace: namespace.path)
            _ = try connection.apply(it.linear)
        }
        let loaded = try Listing { namespace in
            try namespace.run("nft", "-f", "-", input: NftText.text(it.ruleset)).orThrow()
        }
        let parsed = try Listing { namespace in
            try namespace.run("nft", "-j", "-f", "-", input: NftJSON.text(it.ruleset)).orThrow()
        }
        let again = try Listing { namespace in try namespace.run("nft", "-f", "-", input: pushed.text).orThrow() }
        #expect(pushed.text == NftText.listing(it.ruleset))
        #expect(loaded == pushed)
        #expect(again == pushed)
        #expect(parsed.json == pushed.json)
        // nft 1.0.6 knows no comment of a table in JSON.
        #expect(parsed.text.withoutTableComment == pushed.text.withoutTableComment)
    }

    @Test(arguments: try Case.names()) func `judges each packet as its fate says`(name: String) throws {
        let it = try Case(name)
        let simulation = Simulation(it.linear)
        for packet in it.packets {
            guard let simulated = try it.simulated(packet) else { continue }
            let fate = simulation.trace(simulated.packet).fate
            #expect(fate.allows(packet.fate), "\(packet): \(fate), where \(packet.fate) was expected")
        }
    }

    /// Rules of `--debug=netlink`, each with its expressions, without the declarations around them.
    private static func rules(ofDebug output: String) -> [String] {
        var rules: [String] = []
        for line in output.split(separator: "\n") {
            if line.hasPrefix("inet \(Compiler.tableName) ") {
                rules.append(line + "\n")
            } else if line.hasPrefix("  [ "), let last = rules.indices.last {
                rules[last] += line + "\n"
            }
        }
        return rules
    }
}

/// How nft lists our table in a namespace where somebody has made it.
private struct Listing: Equatable {
    var text: String
    /// Without handles, which are the kernel's.
    var json: String

    init(_ make: (NetworkNamespace) throws -> Void) throws {
        (text, json) = try NetworkNamespace.with("listing") { namespace in
            try make(namespace)
            let table = ["list", "table", "inet", Compiler.tableName]
            let json = try namespace.run(Program(["nft", "-j"] + table)).orThrow()
            return (
                try namespace.run(Program(["nft"] + table)).orThrow(),
                json.replacing(/, "handle": [0-9]+/, with: "")
            )
        }
    }
}

extension String {
    fileprivate var withoutTableComment: String { replacing(/\tcomment "made by .*\n/, with: "") }
}
