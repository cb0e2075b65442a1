import Foundation
import Glibc

/// A program that was started and not yet waited for. It leads a process group of its own.
public final class RunningProgram {
    private let process: pid_t
    private let arguments: [String]
    private let output: ScratchFile
    private let error: ScratchFile
    private var status: Int32?

    init(process: pid_t, arguments: [String], output: ScratchFile, error: ScratchFile) {
        self.process = process
        self.arguments = arguments
        self.output = output
        self.error = error
    }

    /// One that nobody waited for does not outlive the test.
    deinit {
        if status == nil {
            signal(SIGKILL)
            _ = try? end()
        }
    }

    /// To the program and all that it has started.
    public func signal(_ number: Int32) {
        if status == nil { kill(-process, number) }
    }

    public var isRunning: Bool {
        guard status == nil else { return false }
        var information = unsafe siginfo_t()
        // WNOWAIT: its end is for `end` to collect. Where nobody has ended, si_signo is 0.
        let asked = unsafe waitid(P_PID, id_t(process), &information, WEXITED | WNOHANG | WNOWAIT)
        return unsafe asked == 0 && information.si_signo == 0
    }

    /// Waits for its end.
    public func end(within timeout: Duration = .seconds(60)) throws -> ProgramResult {
        ProgramResult(
            command: arguments.joined(separator: " "), status: try wait(timeout), output: output.text,
            error: error.text)
    }

    private func wait(_ timeout: Duration) throws -> Int32 {
        if let status { return status }
        let deadline = ContinuousClock.now + timeout
        var pause: UInt32 = 200
        var word: Int32 = 0
        while true {
            let ended = unsafe waitpid(process, &word, WNOHANG)
            if ended == process { break }
            guard ended == 0 || errno == EINTR else { throw BenchError("waitpid", errno: errno) }
            guard ContinuousClock.now < deadline else {
                kill(process, SIGKILL)
                unsafe waitpid(process, &word, 0)
                status = 128 + SIGKILL
                throw BenchError("\(arguments.joined(separator: " ")): no end after \(timeout)")
            }
            usleep(pause)
            pause = min(pause * 3 / 2, 5000)
        }
        let signal = word & 0x7f
        let result = signal == 0 ? word >> 8 & 0xff : 128 + signal
        status = result
        return result
    }
}
