import Foundation
import Glibc
import TestSupport
import Testing

/// The record of the last apply saves time, and nothing may hang on it.
@Suite(.requires(.root, .program("ip"), .nft, .program("setpriv"))) struct `The record of the last apply` {
    private static let more = Sample.policy.replacing("192.0.2.7", with: "192.0.2.7, 192.0.2.8")
    private static let gain = "+ 192.0.2.8 may reach django 8081/tcp\n"

    private func expectRight(_ installation: Installation, _ comment: Comment) throws {
        try installation.write(Sample.policy)
        #expect(try installation.run("diff").status == 0, comment)
        #expect(try installation.run("status").status == 0, comment)
        try installation.write(Self.more)
        let diff = try installation.run("diff")
        #expect(diff.output == Self.gain, comment)
        #expect(try installation.run("apply").output == Self.gain + "applied \(installation.policy)\n", comment)
        #expect(try installation.run("diff").status == 0, comment)
        #expect(try installation.listing().contains("192.0.2.8"), comment)
        try installation.apply(Sample.policy)
    }

    private func record(_ installation: Installation) throws -> String {
        let names = try FileManager.default.contentsOfDirectory(atPath: installation.runtimeDirectory)
        let records = names.filter { $0.hasSuffix(".applied") }
        #expect(records.count == 1)
        return "\(installation.runtimeDirectory)/\(records.first ?? "")"
    }

    @Test func `may be gone, empty, cut off, garbage, or a directory`() throws {
        try Installation.with { installation in
            try installation.apply(Sample.policy)
            try expectRight(installation, "untouched")
            try FileManager.default.removeItem(atPath: installation.runtimeDirectory)
            try expectRight(installation, "the directory is gone")
            let damages: [(name: String, damage: (Data) -> Data)] = [
                ("empty", { _ in Data() }), ("cut off", { $0.dropLast() }), ("half", { $0.prefix($0.count / 2) }),
                ("more than whole", { $0 + [0] }), ("garbage", { _ in Data((0..<5000).map { UInt8($0 * 7 & 0xff) }) }),
                ("a flipped bit", { $0.dropLast(3) + [$0[$0.count - 3] ^ 0x40] + $0.suffix(2) }),
                // An element that is well formed, and another one.
                ("another address", { $0.replacing([192, 0, 2, 7], with: [192, 0, 2, 6]) }),
            ]
            for (name, damage) in damages {
                // The record of this very generation: an older one is not believed anyway.
                let file = URL(filePath: try record(installation))
                let whole = try Data(contentsOf: file)
                let damaged = damage(whole)
                #expect(damaged != whole)
                try damaged.write(to: file)
                try expectRight(installation, "\(name)")
            }
            let file = try record(installation)
            try FileManager.default.removeItem(atPath: file)
            try FileManager.default.createDirectory(atPath: file, withIntermediateDirectories: false)
            try expectRight(installation, "a directory in its place")
        }
    }

    @Test func `may not be writable, which is noted and changes nothing`() throws {
        try Installation.with { installation in
            try installation.write(Sample.quiet)
            try "".write(toFile: installation.runtimeDirectory, atomically: false, encoding: .utf8)
            let result = try installation.run("apply")
            #expect(result.status == 0)
            #expect(
                result.error.split(separator: "\n").count == 2 && result.error.contains("no record kept")
                    && result.error.contains("the policy is not kept"), "\(result)")
            #expect(try installation.run("status").status == 0)
            #expect(try installation.run("diff").status == 0)
        }
    }

    @Test func `of another namespace is not taken for this one's`() throws {
        try Installation.with("one") { one in
            try one.apply(Sample.policy)
            try NetworkNamespace.with("two") { namespace in
                try Installation.with(namespace) { two in
                    try two.write(Sample.policy)
                    // One directory for both, and one's record under the name that two's would have.
                    try FileManager.default.copyItem(atPath: one.runtimeDirectory, toPath: two.runtimeDirectory)
                    #expect(try two.run("status").status == 1)
                    #expect(try two.run("diff").status == 1)
                    let foreign = try record(two)
                    try two.run("apply").orThrow()
                    let own = try FileManager.default.contentsOfDirectory(atPath: two.runtimeDirectory)
                        .map { "\(two.runtimeDirectory)/\($0)" }.first { $0 != foreign }
                    let name = try #require(own)
                    try FileManager.default.removeItem(atPath: name)
                    try FileManager.default.copyItem(atPath: foreign, toPath: name)
                    try FileManager.default.removeItem(atPath: foreign)
                    try two.nft("delete", "element", "inet", "dockernft", "sources-service-django-v4", "{ 192.0.2.7 }")
                    #expect(try two.run("status").status == 1)
                    #expect(try two.run("diff").output == "+ 192.0.2.7 may reach django 8081/tcp\n")
                }
            }
        }
    }

    @Test func `is stale once another process has changed our table, or any other`() throws {
        try Installation.with { installation in
            try installation.apply(Sample.policy)
            try installation.nft("delete", "element", "inet", "dockernft", "sources-service-django-v4", "{ 192.0.2.7 }")
            #expect(try installation.run("status").status == 1)
            #expect(try installation.run("diff").output == "+ 192.0.2.7 may reach django 8081/tcp\n")
            // A change elsewhere does not make it fresh again.
            try installation.nft("add", "table", "inet", "neighbour")
            #expect(try installation.run("diff").output == "+ 192.0.2.7 may reach django 8081/tcp\n")
            try installation.run("apply").orThrow()
            #expect(try installation.run("diff").status == 0)
            try installation.nft("delete", "table", "inet", "neighbour")
            #expect(try installation.run("diff").status == 0)
            #expect(try installation.run("status").status == 0)
        }
    }
}
