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
    public func run() throws -> ProgramResult {
        let (input, output, error) = (try ScratchFile(), try ScratchFile(), try ScratchFile())
        try input.write(self.input)
        let child = try spawn(input: input.descriptor, output: output.descriptor, error: error.descriptor)
        return ProgramResult(
            command: arguments.joined(separator: " "), status: try wait(for: child), output: output.text,
            error: error.text)
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
        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        unsafe posix_spawn_file_actions_adddup2(&actions, input, 0)
        unsafe posix_spawn_file_actions_adddup2(&actions, output, 1)
        unsafe posix_spawn_file_actions_adddup2(&actions, error, 2)
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

    private func wait(for child: pid_t) throws -> Int32 {
        let deadline = ContinuousClock.now + timeout
        var pause: UInt32 = 200
        var status: Int32 = 0
        while true {
            let ended = unsafe waitpid(child, &status, WNOHANG)
            if ended == child { break }
            guard ended == 0 || errno == EINTR else { throw BenchError("waitpid", errno: errno) }
            guard ContinuousClock.now < deadline else {
                kill(child, SIGKILL)
                unsafe waitpid(child, &status, 0)
                throw BenchError("\(arguments.joined(separator: " ")): no end after \(timeout)")
            }
            usleep(pause)
            pause = min(pause * 3 / 2, 5000)
        }
        let signal = status & 0x7f
        return signal == 0 ? status >> 8 & 0xff : 128 + signal
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

/// A file without a name: no reader has to keep up with its writer.
private final class ScratchFile {
    let descriptor: Int32

    init() throws {
        var template = Array(NSTemporaryDirectory().utf8CString.dropLast()) + Array("dnft-XXXXXX".utf8CString)
        descriptor = unsafe mkstemp(&template)
        guard descriptor >= 0 else { throw BenchError("mkstemp", errno: errno) }
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        unsafe unlink(&template)
    }

    deinit { close(descriptor) }

    func write(_ text: String) throws {
        var left = Array(text.utf8)[...]
        while !left.isEmpty {
            let written = unsafe left.withUnsafeBytes { unsafe Glibc.write(descriptor, $0.baseAddress, $0.count) }
            guard written > 0 else { throw BenchError("write", errno: errno) }
            left = left.dropFirst(written)
        }
        lseek(descriptor, 0, SEEK_SET)
    }

    var text: String {
        lseek(descriptor, 0, SEEK_SET)
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65536)
        while true {
            let count = unsafe read(descriptor, &buffer, buffer.count)
            guard count > 0 else { break }
            bytes += buffer[..<count]
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
