import Compiler
import Foundation
import Nftables
import Policy
import TestSupport

/// A folder under `nft/cases`: a policy, what Docker publishes there, and what becomes of packets.
struct Case: Sendable {
    let name: String
    let folder: URL
    let policy: ResolvedPolicy
    let ruleset: Ruleset
    let linear: LinearRuleset
    let inventory: CaseInventory
    let packets: [PacketCase]

    init(_ name: String) throws {
        self.name = name
        folder = Self.root.appending(path: name)
        inventory = try JSONDecoder().decode(
            CaseInventory.self, from: Data(contentsOf: folder.appending(path: "inventory.json")))
        let loaded = ResolvedPolicy.load(path: folder.appending(path: "policy.yaml").path, files: .disk)
            .resolved(against: try inventory.asked())
        guard let policy = loaded.policy else {
            throw BenchError("\(name): \(loaded.diagnostics.map { "\($0)" }.joined(separator: "\n"))")
        }
        self.policy = policy
        ruleset = Compiler.compile(policy)
        linear = ruleset.linearized()
        packets = try PacketCase.parse(
            String(contentsOf: folder.appending(path: "packets.txt"), encoding: .utf8), of: name)
    }

    private static let root = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../nft/cases")
        .standardized

    static func names() throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: root.path).filter { !$0.hasPrefix(".") }.sorted()
    }

    /// No chain of iptables sees what goes to a container on the wire.
    var isWholeInDockerUser: Bool { inventory.macvlan == nil }

    func golden(_ file: String) -> Golden { Golden(file: folder.appending(path: file)) }

    static func all() throws -> [Case] { try names().map(Case.init) }
}
