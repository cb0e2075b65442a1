internal import ArgumentParser
internal import Console
internal import NftablesKernel

@main
struct Dockernft: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dockernft",
        abstract: "One allowlist for every port that Docker publishes, enforced by nftables.",
        discussion: """
            Exit status: 0 yes or done; 1 the answer is no: it differs, has errors or is refused; 2 it could not be \
            found out or done; 64 wrong usage. Results go to standard output, all else to standard error.
            """,
        version: "0.1.0",
        subcommands: [
            Check.self, Compile.self, Diff.self, Apply.self, Confirm.self, Rollback.self, Watch.self, ShowStatus.self,
            Explain.self, AuditHost.self, Verify.self, Remove.self,
        ])

    static func main() {
        // Scripts ask for it, and the parser takes longer to get ready than the answer.
        if CommandLine.arguments.dropFirst() == ["--version"] { return Console.print(configuration.version) }
        Console.outliveReaders()
        do {
            var command = try parseAsRoot()
            try command.run()
        } catch let status as ExitStatus {
            exit(withError: ExitCode(status.rawValue))
        } catch let loss as Confirm.Loss {
            Console.report(loss.text)
            exit(withError: ExitCode(ExitStatus.no.rawValue))
        } catch let error as NetlinkError {
            Console.report(
                "dockernft: \(error)" + (error.isMissingPrivilege ? " (check and compile need no privilege)" : ""))
            exit(withError: ExitCode(ExitStatus.trouble.rawValue))
        } catch {
            exit(withError: error)
        }
    }
}

/// How a command ends, when it does not end well.
enum ExitStatus: Int32, Error {
    /// It differs, has errors, or is refused.
    case no = 1
    /// It could not be found out, or not be done.
    case trouble = 2
}
