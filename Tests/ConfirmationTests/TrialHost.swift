import Addressing
import Files
import Foundation
import Glibc

@testable import TestSupport

/// A host with a policy of before and one that lets somebody more in, whose packets show which of them is in force.
struct TrialHost {
    let host: DockerHost
    let installation: Installation

    static func policy(allowing hosts: [Int]) -> String {
        let addresses = hosts.map { "203.0.113.\($0), \"2001:db8:10::\($0)\"" }.joined(separator: ", ")
        return """
            version: 1
            groups:
              all: [203.0.113.0/24, "2001:db8:10::/48"]
              staff: [\(addresses)]
            services:
              db: { publish: [5432, 5432/udp, 5433, 5433/udp], allow: staff }
              other: { publish: [8090, 8090/udp], allow: all }

            """
    }

    static let before = policy(allowing: [9])
    static let after = policy(allowing: [9, 7])

    static func with(_ body: (TrialHost) throws -> Void) throws {
        let containers = [
            Container("db", publish: ["5432:5432", "5432:5432/udp"]),
            Container("dual", on: .dual, publish: ["5433:5433", "5433:5433/udp"]),
        ]
        try DockerHost.with(.iptables28, containers) { host in
            try Installation.with(host.namespace) { installation in
                try body(TrialHost(host: host, installation: installation))
            }
        }
    }

    /// Over both protocols and both families.
    func streams(of client: Int) throws -> [TestSupport.Stream] {
        try [
            (source: "203.0.113.\(client)", port: "192.0.2.1:5432"), ("2001:db8:10::\(client)", "[2001:db8:1::1]:5433"),
        ]
        .flatMap { path in
            try [.tcp, .udp].map { try host.stream($0, from: path.source, to: path.port) }
        }
    }

    /// Datagrams of somebody whom only the new policy lets in, sent whether anybody answers or not.
    func knocks() throws -> [TestSupport.Stream] {
        try [("203.0.113.7", "192.0.2.1:5432"), ("2001:db8:10::7", "[2001:db8:1::1]:5433")]
            .map { try host.open(.udp, from: $0, to: $1) }
    }

    func heard(_ streams: [TestSupport.Stream]) -> [Int] { streams.map(\.total.toServer) }

    /// When the first beat of all of them was there.
    func waitUntilHeard(_ streams: [TestSupport.Stream]) throws -> ContinuousClock.Instant {
        let before = heard(streams)
        try wait(for: "the new policy to be in force") { zip(heard(streams), before).allSatisfy(>) }
        return .now
    }

    /// When a beat was last heard of each, looked at until none has come for long.
    func lastBeats(of streams: [TestSupport.Stream]) throws -> [ContinuousClock.Instant] {
        var counts = heard(streams)
        var last = counts.map { _ in ContinuousClock.now }
        try wait(for: "silence") {
            let now = ContinuousClock.now
            for (index, count) in heard(streams).enumerated() where count > counts[index] {
                counts[index] = count
                last[index] = now
            }
            return last.allSatisfy { $0 + .milliseconds(1500) < now }
        }
        return last
    }

    func isSilent(_ streams: [TestSupport.Stream]) -> Bool {
        let before = heard(streams)
        pause(.milliseconds(400))
        return heard(streams) == before
    }

    func wait(for what: String, _ condition: () throws -> Bool) throws {
        let deadline = ContinuousClock.now + .seconds(60)
        while try !condition() {
            guard ContinuousClock.now < deadline else { throw BenchError("waited in vain for \(what)") }
            usleep(3000)
        }
    }

    func pause(_ time: Duration) {
        usleep(UInt32(time.components.seconds) * 1_000_000 + UInt32(time.components.attoseconds / 1_000_000_000_000))
    }

    /// Begins a trial of the new policy at a terminal, and waits for the question, or for what comes instead.
    func apply(
        within time: String, at terminal: Terminal, _ environment: [String] = [], until text: String = "keep it?"
    ) throws -> RunningProgram {
        try installation.write(Self.after)
        var program = try installation.program("apply", ["--confirm-within", time])
        program.arguments = ["env"] + environment + program.arguments
        let apply = try program.launch(at: terminal)
        do {
            try wait(for: text) { terminal.text.contains(text) }
        } catch {
            throw BenchError("\(error)\n\(terminal.text)")
        }
        return apply
    }
}

extension Installation {
    /// What a dockernft in the middle of its work has, for as long as the lock lives.
    func takeTurn() throws -> FileLock {
        let file = try keptFile(".lock")
        guard let lock = try FileLock.take(file.path) else { throw BenchError("\(file.path) is taken") }
        return lock
    }

    func keptFile(_ suffix: String) throws -> URL {
        let names = try FileManager.default.contentsOfDirectory(atPath: runtimeDirectory)
        guard let name = names.first(where: { $0.hasSuffix(suffix) }) else {
            throw BenchError("no \(suffix) in \(names)")
        }
        return URL(filePath: "\(runtimeDirectory)/\(name)")
    }
}
