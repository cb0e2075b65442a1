import Foundation
import Nftables
import NftablesKernel
import Synchronization
import Testing

/// A network namespace of one test, removed with it.
final class ScratchNamespace: Sendable {
    private static let count = Atomic(0)

    let name: String
    var path: String { "/run/netns/\(name)" }

    init() throws {
        let number = Self.count.add(1, ordering: .relaxed).newValue
        name = "dnft-kt-\(ProcessInfo.processInfo.processIdentifier)-\(number)"
        _ = try shell("ip netns add \(name)")
    }

    deinit { _ = try? shell("ip netns delete \(name)") }

    func connect() throws -> KernelConnection { try KernelConnection(namespace: path) }

    /// Runs a command inside.
    @discardableResult
    func run(_ command: String, input: String? = nil) throws -> String {
        try shell("ip netns exec \(name) \(command)", input: input)
    }

    func load(_ text: String) throws { try run("nft -f -", input: text) }

    /// Without what runs down.
    func list(_ table: String = "t") throws -> String {
        try run("nft list table inet \(table)").replacing(#/ expires \w+/#, with: "")
    }

    /// nft's JSON without what depends on the order of creation.
    func json(_ table: String = "t") throws -> String {
        try run("nft -j list table inet \(table)").replacing(#/"handle": \d+(, )?|, "expires": \d+/#, with: "")
    }
}

struct CommandFailure: Error, CustomStringConvertible {
    var description: String
}

@discardableResult
func shell(_ command: String, input: String? = nil) throws -> String {
    let process = Process()
    process.executableURL = URL(filePath: "/bin/sh")
    process.arguments = ["-c", command]
    let output = Pipe()
    let errors = Pipe()
    let standardInput = Pipe()
    process.standardOutput = output
    process.standardError = errors
    process.standardInput = standardInput
    try process.run()
    try standardInput.fileHandleForWriting.write(contentsOf: Data((input ?? "").utf8))
    try standardInput.fileHandleForWriting.close()
    let text = String(decoding: try output.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
    let complaint = String(decoding: try errors.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
    process.waitUntilExit()
    guard process.terminationStatus == 0 else { throw CommandFailure(description: "\(command): \(complaint)") }
    return text
}

extension Trait where Self == ConditionTrait {
    /// Skipped on a laptop, where it says why; run, and so failed, under `CI`.
    static var needsRoot: Self {
        .enabled(
            if: geteuid() == 0 || ProcessInfo.processInfo.environment["CI"] != nil,
            "network namespaces are made by root only")
    }
}

extension Transaction {
    /// What makes the whole table where there is none.
    init(creating ruleset: LinearRuleset) {
        var changes: [Change] = [.addTable(ruleset.table)]
        changes += ruleset.counters.map(Change.addCounter)
        changes += ruleset.limits.map(Change.addLimit)
        changes += ruleset.chains.map { .addChain(name: $0.name, $0.base) }
        for set in ruleset.sets { changes += [.addSet(set.header), .addElements(set: set.header, set.elements)] }
        for chain in ruleset.chains {
            changes += chain.rules.map { .addRule($0, chain: chain.name, before: nil) }
        }
        self.init(table: ruleset.table.name, changes: changes)
    }
}

/// A table `t` with these sets alone.
func table(_ sets: NamedSet...) -> LinearRuleset { LinearRuleset(table: Table(name: "t"), sets: sets) }
