import Foundation

/// The programs of this package, as they were built together with the running tests.
public enum Executable {
    public static var dockernft: String { get throws { try path(of: "dockernft") } }

    /// The linker puts programs and test bundle side by side.
    private static func path(of name: String) throws -> String {
        let bundle = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        let path = URL(filePath: bundle).deletingLastPathComponent().appending(path: name).path
        guard FileManager.default.isExecutableFile(atPath: path) else {
            throw BenchError("\(name) is not beside \(bundle): swift build --build-tests makes it")
        }
        return path
    }
}
