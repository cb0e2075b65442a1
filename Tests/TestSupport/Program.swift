import Foundation
import Glibc

/// What a program left behind.
public struct ProgramResult: Hashable, Sendable, CustomStringConvertible {
    public let command: String
    /// The exit status; 128 and the signal's number where a signal ended it, as a shell says.
    public let status: Int32
    public let output: String
    public let error: String

    public var succeeded: Bool { status == 0 }
    public var description: String { "\(command): status \(status)\n\(error)\(output)" }

    /// Its output, or an error that says what it said.
    @discardableResult
    public func orThrow() throws -> String {
        guard succeeded else { throw BenchError(description) }
        return output
    }
}

/// A program on PATH and its arguments. The child inherits the calling thread's network namespace.
public struct Program: Sendable {
    public var arguments: [String]
    public var input: String
    public var timeout: Duration

    public init(_ arguments: [String], input: String = "", timeout: Duration = .seconds(60)) {
        self.arguments = arguments
        self.input = input
        self.timeout = timeout
    }

    /// Runs it to its end. Output goes through unlinked files: a daemon that it leaves behind cannot hold up the caller.
    public func run() throws -> ProgramResult { try launch(ownSession: false).end(within: timeout) }

    /// Starts it, and does not wait.
    public func launch() throws -> RunningProgram { try launch(ownSession: true) }

    private func launch(ownSession: Bool) throws -> RunningProgram {
        let (input, output, error) = (try ScratchFile(), try ScratchFile(), try ScratchFile())
        try input.write(self.input)
        let child = try spawn(
            input: input.descriptor, output: output.descriptor, error: error.descriptor, ownSession: ownSession)
        return RunningProgram(process: child, arguments: arguments, output: output, error: error)
    }

    /// Starts it at a terminal, in a session of its own.
    public func launch(at terminal: Terminal) throws -> RunningProgram {
        let child = unsafe try spawn(ownSession: true) { actions in
            // The first terminal that the leader of a session opens becomes its own.
            unsafe posix_spawn_file_actions_addopen(actions, 0, terminal.path, O_RDWR, 0)
            for descriptor: Int32 in [1, 2] { unsafe posix_spawn_file_actions_adddup2(actions, 0, descriptor) }
        }
        return RunningProgram(
            process: child, arguments: arguments, output: try ScratchFile(), error: try ScratchFile())
    }

    /// Starts it in a session of its own, its output appended to the file at `log`.
    func start(log: String) throws -> pid_t {
        let input = try ScratchFile()
        let descriptor = unsafe open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw BenchError("open \(log)", errno: errno) }
        defer { close(descriptor) }
        return try spawn(input: input.descriptor, output: descriptor, error: descriptor, ownSession: true)
    }

    private func spawn(input: Int32, output: Int32, error: Int32, ownSession: Bool = false) throws -> pid_t {
        unsafe try spawn(ownSession: ownSession) { actions in
            unsafe posix_spawn_file_actions_adddup2(actions, input, 0)
            unsafe posix_spawn_file_actions_adddup2(actions, output, 1)
            unsafe posix_spawn_file_actions_adddup2(actions, error, 2)
        }
    }

    private func spawn(
        ownSession: Bool, _ redirect: (UnsafeMutablePointer<posix_spawn_file_actions_t>) -> Void
    ) throws -> pid_t {
        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        unsafe redirect(&actions)
        var attributes = posix_spawnattr_t()
        unsafe posix_spawnattr_init(&attributes)
        defer { unsafe posix_spawnattr_destroy(&attributes) }
        if ownSession { unsafe posix_spawnattr_setflags(&attributes, 0x80) }  // POSIX_SPAWN_SETSID
        var child: pid_t = 0
        let environment = ProcessInfo.processInfo.environment.map { "\($0.key)=\($0.value)" }
        let status = unsafe withArgumentVector(arguments) { argv in
            unsafe withArgumentVector(environment) { envp in
                unsafe posix_spawnp(&child, arguments[0], &actions, &attributes, argv, envp)
            }
        }
        guard status == 0 else { throw BenchError("cannot run \(arguments[0])", errno: status) }
        return child
    }
}

/// A NULL-ended vector of C strings that lives as long as `body` runs.
private func withArgumentVector<Value>(
    _ strings: [String], _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) -> Value
) -> Value {
    var vector: [UnsafeMutablePointer<CChar>?] = unsafe strings.map { unsafe strdup($0) }
    unsafe vector.append(nil)
    defer { unsafe vector.indices.forEach { unsafe free(vector[$0]) } }
    return unsafe vector.withUnsafeBufferPointer { buffer in
        // The buffer holds at least the NULL.
        guard let base = buffer.baseAddress else { preconditionFailure("an empty vector") }
        return unsafe body(base)
    }
}
