import Foundation
import Synchronization
import Testing

/// A network namespace that lasts as long as the body that is given it.
struct NetworkNamespace {
    let name: String

    /// Tests that need root and nft are skipped where they are missing, but never under `CI`, where they fail.
    static let isAvailable: Bool =
        ProcessInfo.processInfo.environment["CI"] != nil
        || getuid() == 0 && FileManager.default.isExecutableFile(atPath: "/usr/sbin/nft")

    private static let count = Atomic(0)

    static func with<Result>(_ body: (Self) throws -> Result) throws -> Result {
        let number = count.wrappingAdd(1, ordering: .relaxed).newValue
        let namespace = Self(name: "dnft-ft-\(ProcessInfo.processInfo.processIdentifier)-\(number)")
        _ = try Command.run(["ip", "netns", "add", namespace.name])
        defer { _ = try? Command.run(["ip", "netns", "del", namespace.name]) }
        return try body(namespace)
    }

    func run(_ arguments: [String], input: [UInt8] = []) throws -> String {
        try Command.run(["ip", "netns", "exec", name] + arguments, input: input)
    }

    func nft(_ arguments: String..., input: [UInt8] = []) throws -> String {
        try run(["nft"] + arguments, input: input)
    }
}

struct Command {
    struct Failure: Error, CustomStringConvertible {
        var description: String
    }

    /// Input and output go through files: a pipe that fills up would stop both sides.
    static func run(_ arguments: [String], input: [UInt8] = []) throws -> String {
        let folder = FileManager.default.temporaryDirectory.appending(path: "dnft-ft-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let paths = (
            input: folder.appending(path: "in"), output: folder.appending(path: "out"),
            errors: folder.appending(path: "err")
        )
        try Data(input).write(to: paths.input)
        try Data().write(to: paths.output)
        try Data().write(to: paths.errors)
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = arguments
        process.standardInput = try FileHandle(forReadingFrom: paths.input)
        process.standardOutput = try FileHandle(forWritingTo: paths.output)
        process.standardError = try FileHandle(forWritingTo: paths.errors)
        try process.run()
        process.waitUntilExit()
        let output = String(decoding: try contents(of: paths.output), as: UTF8.self)
        guard process.terminationStatus == 0 else {
            let errors = String(decoding: try contents(of: paths.errors), as: UTF8.self)
            throw Failure(description: "\(arguments.joined(separator: " ")): \(errors.prefix(2000))")
        }
        return output
    }

    /// `Data(contentsOf:)` leaks its buffer when the file is empty.
    private static func contents(of file: URL) throws -> Data {
        try FileHandle(forReadingFrom: file).readToEnd() ?? Data()
    }
}

extension Trait where Self == ConditionTrait {
    static var needsNft: Self { .enabled(if: NetworkNamespace.isAvailable, "needs root and nft") }
}
