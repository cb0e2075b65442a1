import Compiler
import NftablesKernel
import TestSupport

/// A table is one of two policies, whole, or the test has found something.
struct TwoPolicies {
    enum Side: Hashable {
        case one
        case two

        var other: Side { self == .one ? .two : .one }
    }

    private let digests: [String: Side]
    private let texts: [Side: String]

    /// Lists of `count` addresses, most of which only one of the two has.
    init(_ count: Int, for installation: Installation) throws {
        var texts: [Side: String] = [:]
        var digests: [String: Side] = [:]
        for (side, offset) in [(Side.one, 0), (.two, 1)] {
            let addresses = (0..<count).map { number in
                // Every other address, so that none merges with its neighbour; one in five is in both.
                let value = 2 * number + (number % 5 == 0 ? 0 : offset)
                return "10.\(value >> 16 & 255).\(value >> 8 & 255).\(value & 255)"
            }
            texts[side] = """
                version: 1
                groups:
                  many: [\(addresses.joined(separator: ", "))]
                services:
                  django: { publish: \(side == .one ? "8081" : "[8081, 8082]"), allow: [many] }
                  extra-\(offset): { publish: 90\(offset), allow: [192.0.2.\(offset)] }

                """
            try installation.apply(texts[side] ?? "")
            guard let digest = try Self.digest(of: installation) else { throw BenchError("no table after an apply") }
            digests[digest] = side
        }
        self.texts = texts
        self.digests = digests
    }

    /// Of all that the kernel holds, computed anew.
    private static func digest(of installation: Installation) throws -> String? {
        var connection = try KernelConnection(namespace: installation.namespace.path)
        return try patiently {
            guard let table = try connection.readTable(named: Compiler.tableName) else { return nil }
            guard table.oddities.isEmpty else { throw BenchError("\(table.oddities)") }
            return PolicyDigest.hexadecimal(of: table.ruleset)
        }
    }

    /// Nil for anything else.
    func side(of installation: Installation) throws -> Side? {
        try Self.digest(of: installation).flatMap { digests[$0] }
    }

    /// By the digest that the table itself carries: quick enough to be asked while a commit is under way.
    func claimedSide(_ connection: inout KernelConnection) throws -> Side? {
        let table = try connection.readTable(named: Compiler.tableName, elements: .none)
        return table.flatMap { Compiler.digest(of: $0.ruleset) }.flatMap { digests[$0] }
    }

    func write(_ side: Side, to installation: Installation) throws { try installation.write(texts[side] ?? "") }

    /// While others commit without a pause, a look may fail; the next may not.
    private static func patiently<Value>(_ look: () throws -> Value) throws -> Value {
        for _ in 0..<50 {
            do { return try look() } catch let error as NetlinkError where error.isInterrupted { continue }
        }
        return try look()
    }
}
