import Foundation
import TestSupport
import Testing

/// What somebody may do to our table by hand.
struct Tampering: CustomTestStringConvertible {
    var testDescription: String
    /// nft's text.
    var commands: String
    /// A word of what `diff --rules` says about it.
    var sign: String
    /// It cannot be mended in place.
    var isRebuilt = false

    static let all = [
        Tampering(
            testDescription: "a rule added", commands: "add rule inet dockernft forward counter accept",
            sign: "- rule"),
        Tampering(
            testDescription: "a rule put first",
            commands: "insert rule inet dockernft forward ip saddr 192.0.2.66 accept",
            sign: "- rule"),
        Tampering(
            testDescription: "a rule of another kind",
            commands: "insert rule inet dockernft forward meta mark set 7 accept",
            sign: "- rule"),
        Tampering(
            testDescription: "a limit without a name",
            commands: "insert rule inet dockernft forward limit rate 5/second accept", sign: "- rule"),
        Tampering(
            testDescription: "an element deleted",
            commands: "delete element inet dockernft group-office-v4 { 203.0.113.0/24 }",
            sign: "+ element of group-office-v4: 203.0.113.0/24"),
        Tampering(
            testDescription: "an element added", commands: "add element inet dockernft group-office-v4 { 192.0.2.66 }",
            sign: "- element of group-office-v4: 192.0.2.66"),
        Tampering(
            testDescription: "a port led elsewhere",
            commands: """
                delete element inet dockernft published-tcp { 5432 }
                add element inet dockernft published-tcp { 5432 : accept }
                """, sign: "+ element of published-tcp: 5432"),
        Tampering(
            testDescription: "a set emptied", commands: "flush set inet dockernft group-office-v4",
            sign: "+ element of group-office-v4: 203.0.113.0/24"),
        Tampering(
            testDescription: "a chain added", commands: "add chain inet dockernft theirs { counter accept; }",
            sign: "- chain theirs"),
        Tampering(
            testDescription: "a base chain added",
            commands: "add chain inet dockernft theirs { type filter hook forward priority -20; }",
            sign: "- chain theirs"),
        Tampering(
            testDescription: "a chain emptied", commands: "flush chain inet dockernft forward",
            sign: "+ rule in forward"),
        Tampering(
            testDescription: "the whole table emptied", commands: "flush table inet dockernft",
            sign: "+ rule in forward"),
        Tampering(
            testDescription: "a policy turned",
            commands: "add chain inet dockernft forward { policy drop; }", sign: "the hook of chain forward differs",
            isRebuilt: true),
        Tampering(
            testDescription: "a set added",
            commands: "add set inet dockernft theirs { type ipv4_addr; flags interval; elements = { 192.0.2.0/24 }; }",
            sign: "- set theirs"),
        Tampering(
            testDescription: "a set that expires, and a rule that fills it",
            commands: """
                add set inet dockernft theirs { type ipv4_addr; timeout 1h; }
                add rule inet dockernft forward add @theirs { ip saddr }
                """, sign: "theirs", isRebuilt: true),
        Tampering(
            testDescription: "a counter added", commands: "add counter inet dockernft theirs", sign: "- counter theirs"),
        Tampering(
            testDescription: "a quota added", commands: "add quota inet dockernft theirs { over 5 mbytes }",
            sign: "quota theirs", isRebuilt: true),
        Tampering(
            testDescription: "the table put to sleep", commands: "add table inet dockernft { flags dormant; }",
            sign: "dormant", isRebuilt: true),
        Tampering(
            testDescription: "a flowtable added",
            commands: "add flowtable inet dockernft theirs { hook ingress priority 0; devices = { lo }; }",
            sign: "flowtable theirs", isRebuilt: true),
    ]
}

@Suite(.requires(.root, .program("ip"), .nft)) struct `A table changed by hand` {
    @Test(arguments: Tampering.all)
    func `is told of, shown, and put back`(tampering: Tampering) throws {
        try Installation.with { installation in
            try installation.apply(Sample.policy)
            let whole = try installation.ruleset()
            let loaded = try installation.namespace.run("nft", "-f", "-", input: tampering.commands)
            if tampering.testDescription.contains("flowtable"), !loaded.succeeded {
                // A kernel may have been built without them.
                #expect(loaded.error.contains("not supported") || loaded.error.contains("No such file"), "\(loaded)")
                return
            }
            try loaded.orThrow()
            #expect(try installation.ruleset() != whole)
            let status = try installation.run("status")
            #expect(status.status == 1, "\(status)")
            #expect(status.output.contains("somebody has changed it since"), "\(status)")
            let json = try installation.run("status", "--json")
            #expect(json.status == 1)
            #expect(json.output.contains(#""integrity" : "changed""#), "\(json)")
            let diff = try installation.run("diff", "--rules")
            #expect(diff.status == 1)
            #expect(diff.output.contains(tampering.sign), "\(diff)")
            #expect(diff.output.contains("the table is made anew") == tampering.isRebuilt, "\(diff)")
            let applied = try installation.run("apply", "--rules")
            #expect(applied.status == 0, "\(applied)")
            #expect(applied.output == diff.output + "applied \(installation.policy)\n")
            #expect(Self.sorted(try installation.ruleset()) == Self.sorted(whole))
            #expect(try installation.run("status").status == 0)
            #expect(try installation.run("diff").status == 0)
        }
    }

    /// Chains and sets come back at the end of the table, where nothing depends on their order; rules come back in theirs.
    private static func sorted(_ listing: String) -> [String] {
        listing.split(separator: "\n\n").map { block in
            block.split(separator: "\n").map(String.init).filter { $0 != "}" && !$0.hasPrefix("table") }
                .joined(separator: "\n")
        }.flatMap { $0.components(separatedBy: "\n\t}\n") }.map {
            $0.replacingOccurrences(of: "\n\t}", with: "")
        }.sorted()
    }

    @Test(arguments: ["delete table inet dockernft", "flush ruleset"])
    func `is made again when it is gone`(commands: String) throws {
        try Installation.with { installation in
            try installation.apply(Sample.policy)
            let whole = try installation.ruleset()
            try installation.nft("-f", "-", input: commands)
            let status = try installation.run("status")
            #expect(status.status == 1)
            #expect(status.output == "not in force: the kernel has no table inet dockernft\n")
            #expect(try installation.run("diff").status == 1)
            try installation.run("apply").orThrow()
            #expect(try installation.ruleset() == whole)
            #expect(try installation.run("status").status == 0)
        }
    }

    @Test func `made by hand from our own listing is ours still`() throws {
        try Installation.with { installation in
            try installation.apply(Sample.policy)
            let listing = try installation.listing()
            try installation.nft("-f", "-", input: "delete table inet dockernft\n" + listing)
            #expect(try installation.listing() == listing)
            #expect(try installation.run("status").status == 0)
            #expect(try installation.run("diff").status == 0)
        }
    }

    @Test func `a mending costs no counter of the rest`() throws {
        try Installation.with { installation in
            try installation.apply(Sample.policy)
            // nft has no word for setting a counter; a table that is loaded with one has it.
            let counted = try installation.listing().replacing(
                "counter service-db-refused {\n\t\tpackets 0 bytes 0",
                with: "counter service-db-refused {\n\t\tpackets 41 bytes 4100")
            try installation.nft("-f", "-", input: "delete table inet dockernft\n" + counted)
            try installation.nft("add", "rule", "inet", "dockernft", "forward", "accept")
            try installation.run("apply").orThrow()
            #expect(try installation.listing().contains("packets 41 bytes 4100"))
            try installation.apply(Sample.policy.replacing("192.0.2.7", with: "192.0.2.9"))
            #expect(try installation.listing().contains("packets 41 bytes 4100"))
            #expect(try installation.run("status").output.contains("41 (4100 B)"))
        }
    }
}
