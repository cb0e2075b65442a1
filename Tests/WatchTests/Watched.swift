import Foundation
import Glibc
import TestSupport

/// `dockernft watch`, running, with what it has logged so far.
struct Watched {
    let installation: Installation
    let program: RunningProgram
    let process: pid_t

    private static let readiness = "watching: "

    /// Starts one, waits until it says that it watches, lets `body` use it, and ends it.
    static func with<Value>(
        _ installation: Installation, docker: String = "none", _ environment: [String] = [],
        _ body: (Watched) throws -> Value
    ) throws -> Value {
        let watched = try start(installation, docker: docker, environment)
        defer { watched.program.signal(SIGKILL) }
        return try body(watched)
    }

    static func start(
        _ installation: Installation, docker: String = "none", _ environment: [String] = []
    ) throws -> Watched {
        let watched = try launch(installation, docker: docker, environment)
        let before = try watched.lines.count { $0.contains(readiness) }
        try watched.wait(for: "the watch to be ready") {
            guard watched.program.isRunning else { throw BenchError("it has ended: \(try watched.text)") }
            return try watched.lines.count { $0.contains(readiness) } > before
        }
        return watched
    }

    private static func launch(
        _ installation: Installation, docker: String, _ environment: [String]
    ) throws -> Watched {
        let watch = try installation.program("watch", ["--docker", docker, installation.policy])
        let file = "\(installation.directory)/pid"
        try? FileManager.default.removeItem(atPath: file)
        let script = "echo $$ > \(file).new; mv \(file).new \(file); exec \"$@\" 2>>\(log(installation))"
        let program = try Program(["sh", "-c", script, "sh", "env"] + environment + watch.arguments).launch()
        var process: pid_t?
        try waitUntil("sh to say its process number") {
            process = (try? String(contentsOfFile: file, encoding: .utf8)).flatMap { pid_t($0.dropLast()) }
            return process != nil
        }
        return Watched(installation: installation, program: program, process: process ?? 0)
    }

    private static func log(_ installation: Installation) -> String { "\(installation.directory)/log" }

    var text: String {
        get throws { (try? String(contentsOfFile: Self.log(installation), encoding: .utf8)) ?? "" }
    }

    var lines: [String] {
        get throws { try text.split(separator: "\n").map(String.init) }
    }

    func wait(for what: String, _ condition: () throws -> Bool) throws {
        do {
            try Self.waitUntil(what, condition)
        } catch {
            throw BenchError("\(error)\n\(try text)")
        }
    }

    /// Long enough for a machine that has much else to do.
    static func waitUntil(_ what: String, _ condition: () throws -> Bool) throws {
        let deadline = ContinuousClock.now + .seconds(30)
        while try !condition() {
            guard ContinuousClock.now < deadline else { throw BenchError("waited in vain for \(what)") }
            usleep(2000)
        }
    }

    /// Until the kernel holds what the installation's policy says.
    func waitUntilInForce() throws {
        try wait(for: "the policy to be in force") { try installation.run("diff").status == 0 }
    }

    /// Of `/proc/PID/status`.
    func status(_ key: String) throws -> String {
        let text = try String(contentsOfFile: "/proc/\(process)/status", encoding: .utf8)
        guard let line = text.split(separator: "\n").first(where: { $0.hasPrefix("\(key):") }) else {
            throw BenchError("no \(key) in the status of \(process)")
        }
        return line.dropFirst(key.count + 1).trimmingCharacters(in: .whitespaces)
    }

    /// Whether it comes to rest, threads that have no work any more being gone, and stays there.
    func sleeps() throws -> Bool {
        try wait(for: "rest") {
            let before = try wakeups()
            Thread.sleep(forTimeInterval: 1)
            return try wakeups() == before
        }
        let before = try wakeups()
        Thread.sleep(forTimeInterval: 3)
        return try wakeups() == before
    }

    /// What all its threads together have been woken for.
    private func wakeups() throws -> Int {
        let threads = try FileManager.default.contentsOfDirectory(atPath: "/proc/\(process)/task")
        return threads.reduce(0) { sum, thread in
            let directory = "/proc/\(process)/task/\(thread)"
            // One may end meanwhile.
            guard let text = try? String(contentsOfFile: "\(directory)/status", encoding: .utf8) else { return sum }
            let line = text.split(separator: "\n").first { $0.hasPrefix("voluntary_ctxt_switches:") }
            return sum + (line?.split(separator: "\t").last.flatMap { Int($0) } ?? 0)
        }
    }
}

/// Policies for these tests.
enum Sample {
    static let policy = """
        version: 1
        groups:
          office: [203.0.113.0/24, 198.51.100.0/28, "2001:db8:10::/48"]
        services:
          django: { publish: 8081, allow: [office] }
          db: { publish: 5432, allow: [198.51.100.7] }

        """

    static let other = """
        version: 1
        services:
          django: { publish: 8082, allow: [192.0.2.9] }

        """
}

extension Installation {
    func listing() throws -> String { try nft("-s", "list", "ruleset") }
}
