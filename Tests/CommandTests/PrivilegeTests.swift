import Foundation
import Glibc
import TestSupport
import Testing

@Suite(.requires(.root, .program("ip"), .nft, .program("setpriv"))) struct `Without privilege` {
    /// The owner of all files, with no capability at all.
    private static let powerless = ["setpriv", "--bounding-set=-all", "--inh-caps=-all"]
    private static let nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]

    @Test(arguments: ["diff", "apply", "status", "remove"])
    func `one line names the capability, and the commands that work without it`(command: String) throws {
        try Installation.with { installation in
            try installation.write(Sample.quiet)
            var program = try installation.program(command)
            // In its own network namespace: entering another one takes a privilege of its own.
            program.arguments =
                Self.powerless + program.arguments.filter { $0 != "--namespace" && $0 != installation.namespace.name }
            let result = try installation.namespace.run(program)
            #expect(result.status == 2)
            #expect(result.output == "")
            let lines = result.error.split(separator: "\n")
            #expect(lines.count == 1, "\(result)")
            for word in ["CAP_NET_ADMIN", "check", "compile"] { #expect(result.error.contains(word), "\(result)") }
        }
    }

    @Test func `a policy is checked and compiled all the same`() throws {
        try Installation.with { installation in
            try installation.write(Sample.policy)
            for command in ["check", "compile"] {
                var program = try installation.program(command)
                let expected = try program.run().orThrow()
                program.arguments = Self.powerless + program.arguments
                #expect(try program.run().orThrow() == expected)
            }
        }
    }

    @Test func `a policy that only others may read is refused as that`() throws {
        try Installation.with { installation in
            try installation.write(Sample.quiet)
            unsafe chmod(installation.policy, 0)
            var program = try installation.program("check")
            program.arguments = Self.powerless + program.arguments
            let result = try program.run()
            #expect(result.status == 2)
            #expect(result.error.contains("may not be read by this user"), "\(result)")
        }
    }

    /// Where the tests were built in a place that nobody else may look into, there is nothing to run.
    @Test(
        .enabled(
            if: try Program(nobody + [try Executable.dockernft, "--version"]).run().succeeded || Requirement.isUnderCI,
            "the program is where nobody can start it"))
    func `nobody may check and compile`() throws {
        try Installation.with { installation in
            try installation.write(Sample.policy)
            for command in ["check", "compile"] {
                var program = try installation.program(command)
                let expected = try program.run().orThrow()
                program.arguments = Self.nobody + program.arguments
                #expect(try program.run().orThrow() == expected)
            }
        }
    }
}
