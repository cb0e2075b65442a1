import Foundation
import TestSupport
import Testing

@Suite(.requires(.root, .program("ip"), .nft, .program("bash"))) struct `A reader that leaves early` {
    /// The program's status, with a pipe for its output that nobody reads any more.
    private func status(_ installation: Installation, _ command: String, _ options: String...) throws -> Int32 {
        let program = try installation.program(command, options)
        // The program starts once the pipe's other end has been closed.
        let script = """
            exec 3> >(exec true)
            wait $!
            exec "$@" >&3 3>&-
            """
        return try Program(["bash", "-c", script, "bash"] + program.arguments).run().status
    }

    @Test func `is no reason to leave the work undone, nor to call it a failure`() throws {
        try Installation.with { installation in
            try installation.write(Sample.policy)
            #expect(try status(installation, "apply") == 0)
            #expect(try installation.run("diff").status == 0, "the table is in force")
            #expect(try installation.run("status").status == 0, "and so is its record")
            try installation.write(Sample.quiet)
            #expect(try status(installation, "apply", "--json") == 0)
            #expect(try installation.run("diff").status == 0)
            #expect(try status(installation, "remove", "--yes") == 0)
            #expect(try installation.run("status").status == 1)
        }
    }
}
