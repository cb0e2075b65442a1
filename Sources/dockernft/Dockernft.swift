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
            Explain.self, AuditHost.self, Verify.self, ShowHistory.self,
            Remove.self,
        ])

    static func main() {
        // Scripts ask for it, and the parser takes longer to get ready than the answer.
        Console.keepPlaces()
        Console.outliveReaders()
        do {
            if CommandLine.arguments.dropFirst() == ["--version"] { return try Console.print(configuration.version) }
            var command = try parseAsRoot(Explain.withoutArrow(Array(CommandLine.arguments.dropFirst())))
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
        } catch let failure as OutputFailure {
            exit(with: failure)
        } catch {
            // Help that was asked for is a result as well.
            if exitCode(for: error).isSuccess {
                do { return try Console.print(fullMessage(for: error)) } catch { exit(with: error) }
            }
            exit(withError: error)
        }
    }
}

extension Dockernft {
    private static func exit(with failure: OutputFailure) -> Never {
        Console.report("dockernft: \(failure)")
        exit(withError: ExitCode(ExitStatus.trouble.rawValue))
    }
}

/// How a command ends, when it does not end well.
enum ExitStatus: Int32, Error {
    /// It differs, has errors, or is refused.
    case no = 1
    /// It could not be found out, or not be done.
    case trouble = 2
}
