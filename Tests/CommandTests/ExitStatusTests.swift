import Foundation
import TestSupport
import Testing

@Suite(.requires(.root, .program("ip"), .nft)) struct `Exit statuses` {
    @Test func `are 0 for yes and done, and 1 for no`() throws {
        try Installation.with { installation in
            try installation.write(Sample.policy)
            func status(_ command: String, _ options: String...) throws -> Int32 {
                try installation.program(command, options).run().status
            }
            #expect(try status("check") == 0)
            #expect(try status("compile") == 0)
            #expect(try status("compile", "--format", "json") == 0)
            #expect(try status("status") == 1)
            #expect(try status("status", "--json") == 1)
            #expect(try status("diff") == 1)
            #expect(try status("apply", "--dry-run") == 0)
            #expect(try status("status") == 1, "a dry run does nothing")
            #expect(try status("remove", "--yes") == 0, "there is nothing to remove")
            #expect(try status("apply") == 0)
            #expect(try status("apply") == 0)
            #expect(try status("diff") == 0)
            #expect(try status("status") == 0)
            #expect(try status("remove") == 1, "without a terminal nobody can be asked")
            #expect(try status("status") == 0)
            #expect(try status("remove", "--yes") == 0)
            #expect(try status("status") == 1)
        }
    }

    @Test func `are 1 for a policy with an error, and nothing is changed`() throws {
        try Installation.with { installation in
            try installation.apply(Sample.policy)
            let before = try installation.generation()
            try installation.write(Sample.policy + "  bad: { publish: 99999, allow: [offce] }\nunlsted: drop\n")
            for command in ["check", "compile", "diff", "apply"] {
                let result = try installation.run(command)
                #expect(result.status == 1, "\(result)")
                #expect(result.output == "")
                #expect(result.error.contains("office"), "the nearest right name: \(result)")
            }
            #expect(try installation.generation() == before)
            #expect(try installation.run("status").status == 0)
        }
    }

    @Test func `are 2 for a policy that cannot be read`() throws {
        try Installation.with { installation in
            for command in ["check", "compile", "diff", "apply"] {
                #expect(try installation.run(command).status == 2, "\(command) without a policy")
            }
            try FileManager.default.createDirectory(atPath: installation.policy, withIntermediateDirectories: false)
            for command in ["check", "compile", "diff", "apply"] {
                let result = try installation.run(command)
                #expect(result.status == 2, "\(command) of a directory")
                #expect(result.error.contains("is a directory"))
            }
            #expect(try installation.run("status").status == 1, "nothing was applied")
        }
    }

    @Test func `are 2 for a namespace that does not exist`() throws {
        try Installation.with { installation in
            try installation.write(Sample.quiet)
            for command in ["diff", "apply", "status", "remove"] {
                var program = try installation.program(command)
                program.arguments = program.arguments.map {
                    $0 == installation.namespace.name ? "no-such-namespace" : $0
                }
                let result = try program.run()
                #expect(result.status == 2)
                #expect(result.error.contains("/run/netns/no-such-namespace"), "\(result)")
            }
        }
    }

    @Test(arguments: [
        ["apply", "--frobnicate"], ["frobnicate"], ["status", "one", "two"], ["compile", "--format", "xml"],
        ["compile", "--family", "ipv6"], ["apply", "--namespace"],
    ])
    func `are 64 for wrong usage`(arguments: [String]) throws {
        let result = try Program([try Executable.dockernft] + arguments).run()
        #expect(result.status == 64, "\(result)")
        #expect(result.output == "")
        #expect(result.error.contains("Usage: dockernft"))
    }
}
