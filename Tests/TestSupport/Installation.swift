import Foundation
import Glibc

/// dockernft as a user has it: the program, a policy file, and a directory of records, for one network namespace.
public struct Installation: Sendable {
    public let namespace: NetworkNamespace
    /// All files of this installation, for everyone to read.
    public let directory: String

    public var policy: String { "\(directory)/policy.yaml" }
    public var runtimeDirectory: String { "\(directory)/run" }
    public var stateDirectory: String { "\(directory)/state" }

    public static func with<Value>(
        _ namespace: NetworkNamespace, _ body: (Installation) throws -> Value
    ) throws -> Value {
        var template = Array(NSTemporaryDirectory().utf8CString.dropLast()) + Array("dnft-XXXXXX".utf8CString)
        guard unsafe mkdtemp(&template) != nil else { throw BenchError("mkdtemp", errno: errno) }
        let directory = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        unsafe chmod(directory, 0o755)
        defer { try? FileManager.default.removeItem(atPath: directory) }
        return try body(Installation(namespace: namespace, directory: directory))
    }

    /// The same with a namespace of its own that has nothing in it.
    public static func with<Value>(_ label: String = "alone", _ body: (Installation) throws -> Value) throws -> Value {
        try NetworkNamespace.with(label) { try with($0, body) }
    }

    /// Makes this text the policy.
    public func write(_ text: String) throws {
        try text.write(toFile: policy, atomically: false, encoding: .utf8)
    }

    /// Runs `dockernft diff --rules POLICY`, say, on the namespace: the policy is not to be named.
    public func run(_ command: String, _ options: String...) throws -> ProgramResult {
        try program(command, options).run()
    }

    /// The same program, to be changed before it runs.
    public func program(_ command: String, _ options: [String] = []) throws -> Program {
        var arguments = [try Executable.dockernft, command]
        let takesPolicy = ["check", "compile", "diff", "apply"].contains(command)
        let takesFile = takesPolicy && !options.contains("--rollback-to")
        if !["check", "compile"].contains(command) {
            arguments += ["--namespace", namespace.name, "--runtime-directory", runtimeDirectory]
            arguments += ["--state-directory", stateDirectory]
        }
        // A Docker that the machine itself may have is none of a test's.
        if takesPolicy, command != "check", !options.contains("--docker") { arguments += ["--docker", "none"] }
        return Program(arguments + options + (takesFile ? [policy] : []), timeout: .seconds(300))
    }

    /// Makes this text the policy, and applies it.
    public func apply(_ text: String) throws {
        try write(text)
        try run("apply").orThrow()
    }

    /// Runs nft in the namespace.
    @discardableResult
    public func nft(_ arguments: String..., input: String = "") throws -> String {
        try namespace.run(Program(["nft"] + arguments, input: input)).orThrow()
    }
}
