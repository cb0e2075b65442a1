import TestSupport
import Testing

@Suite(.requires(.root, .program("ip"), .nft)) struct `A table of our name that somebody else made` {
    private static let foreign = """
        table inet dockernft {
            chain theirs { type filter hook input priority 5; tcp dport 22 accept comment "do not touch"; }
        }
        """

    @Test func `is refused by all but an apply that adopts it`() throws {
        try Installation.with { installation in
            try installation.nft("-f", "-", input: Self.foreign)
            let before = try installation.listing()
            try installation.write(Sample.policy)
            for command in ["apply", "diff", "status", "remove"] {
                let result = try installation.program(command, command == "remove" ? ["--yes"] : []).run()
                #expect(result.status == 1, "\(result)")
                #expect(result.error.contains("table inet dockernft"), "\(result)")
                #expect(try installation.listing() == before)
            }
            try installation.run("apply", "--adopt").orThrow()
            #expect(try !installation.listing().contains("theirs"))
            #expect(try installation.run("diff").status == 0)
            #expect(try installation.run("status").status == 0)
        }
    }

    @Test func `other tables are the same to the byte after apply and after remove`() throws {
        try Installation.with { installation in
            try installation.nft(
                "-f", "-",
                input: """
                    table inet neighbour {
                        set s { type ipv4_addr; flags interval; elements = { 192.0.2.0/24, 203.0.113.7 }; }
                        chain c { type filter hook input priority -10; ip saddr @s counter packets 5 bytes 6 accept; }
                    }
                    table ip dockernft { chain c { counter; }; }
                    table inet dockernft2 { chain c { tcp dport 1 drop; }; }
                    """)
            try installation.namespace.run("iptables-nft", "-A", "INPUT", "-s", "192.0.2.9", "-j", "DROP").orThrow()
            let before = try installation.nft("-a", "list", "ruleset")
            try installation.apply(Sample.policy)
            try installation.write(Sample.quiet)
            try installation.run("apply").orThrow()
            #expect(try installation.nft("-a", "list", "ruleset") != before)
            try installation.run("remove", "--yes").orThrow()
            #expect(try installation.nft("-a", "list", "ruleset") == before)
        }
    }
}
