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

@Suite(.requires(.root, .program("ip"), .nft, .program("bash"))) struct `Output that cannot be written` {
    private static let line = "dockernft: cannot write the output: No space left on device"

    private func run(_ program: Program) throws -> ProgramResult {
        try Program(["bash", "-c", "exec \"$@\" >/dev/full", "bash"] + program.arguments, timeout: .seconds(300)).run()
    }

    @Test func `is no answer`() throws {
        try Installation.with { installation in
            try installation.apply(Sample.quiet)
            let dockernft = try Executable.dockernft
            let programs = try [
                installation.program("check"), installation.program("check", ["--json"]),
                installation.program("compile"), installation.program("compile", ["--format", "json"]),
                installation.program("compile", ["--format", "iptables"]), installation.program("diff"),
                installation.program("diff", ["--json"]), installation.program("apply", ["--dry-run"]),
                installation.program("status"), installation.program("status", ["--json"]),
                installation.program("history"), installation.program("history", ["--show", "1"]),
                installation.program("audit", ["--docker", "none"]),
            ]
            let others = [
                ["explain", "--docker", "none", "--policy", installation.policy, "203.0.113.7", "8081"],
                ["--version"], ["--help"], ["apply", "--help"],
            ]
            for program in programs + others.map({ Program([dockernft] + $0) }) {
                let result = try run(program)
                #expect(result.status == 2, "\(result)")
                #expect(result.error.split(separator: "\n").last.map(String.init) == Self.line, "\(result)")
            }
            try installation.write(Sample.policy)
            let different = try run(installation.program("diff"))
            #expect(different.status == 2, "not 1, for nobody has read that it differs: \(different)")
        }
    }

    /// The number of a stream that is closed is free for whatever is opened next: the socket to the kernel, for one.
    @Test func `because it is closed goes nowhere else`() throws {
        try Installation.with { installation in
            try installation.write(Sample.quiet)
            func run(_ command: String) throws -> ProgramResult {
                let program = try installation.program(command)
                return try Program(["bash", "-c", "exec \"$@\" >&-", "bash"] + program.arguments).run()
            }
            let applied = try run("apply")
            #expect(applied.status == 2, "\(applied)")
            #expect(applied.error.contains("Bad file descriptor; this is done all the same: applied"), "\(applied)")
            #expect(try installation.run("diff").status == 0)
            #expect(try run("status").status == 2)
        }
    }

    @Test func `undoes nothing, and what was done is said where it can be`() throws {
        try Installation.with { installation in
            func done(_ command: String, _ options: String...) throws -> String {
                let result = try run(installation.program(command, options))
                #expect(result.status == 2, "\(result)")
                let last = result.error.split(separator: "\n").last.map(String.init) ?? ""
                let beginning = "\(Self.line); this is done all the same: "
                #expect(last.hasPrefix(beginning), "\(result)")
                return String(last.dropFirst(beginning.count))
            }
            try installation.write(Sample.quiet)
            #expect(try done("apply") == "applied \(installation.policy)")
            #expect(try installation.run("diff").status == 0, "the table is in force")
            #expect(try installation.run("status").status == 0, "and so is its record")
            #expect(
                try installation.run("history").orThrow().contains(installation.policy), "and its place in the history")
            #expect(try run(installation.program("apply")).status == 2, "there is nothing to do, and nobody was told")
            try installation.write(Sample.policy)
            #expect(try done("apply", "--json") == "applied \(installation.policy)")
            try installation.write(Sample.quiet)
            #expect(
                try done("apply", "--confirm-within", "10m").hasPrefix("applied \(installation.policy), in force for "))
            #expect(try done("rollback").hasPrefix("taken back: "))
            #expect(try done("apply", "--confirm-within", "10m").contains("'dockernft confirm' keeps it"))
            #expect(try done("confirm") == "confirmed: the new policy is in force for good")
            #expect(try installation.run("diff").status == 0)
            #expect(try done("remove", "--yes").hasPrefix("removed table inet dockernft"))
            #expect(try installation.run("status").status == 1)
        }
    }
}
