import Addressing
import Foundation
import Policy
import Testing

@Suite("Files on disk")
struct DiskTests {
    private func inTemporaryFolder(_ body: (String) throws -> Void) throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "dockernft-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try body(folder.path)
    }

    @Test("are read whole")
    func whole() throws {
        try inTemporaryFolder { folder in
            for count in [0, 1, 65_536, 300_000] {
                let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0) }
                try Data(bytes).write(to: URL(filePath: folder + "/f"))
                #expect(SourceFiles.disk.read(folder + "/f", 1 << 20) == .success(bytes))
            }
            #expect(SourceFiles.disk.read(folder + "/f", 299_999) == .failure(.tooLarge))
            #expect(SourceFiles.disk.read(folder + "/f", 300_000).map { $0.count } == .success(300_000))
        }
    }

    @Test("say why they cannot be read")
    func failures() throws {
        try inTemporaryFolder { folder in
            #expect(SourceFiles.disk.read(folder, 1) == .failure(.isDirectory))
            #expect(SourceFiles.disk.read(folder + "/none", 1) == .failure(.missing))
            #expect(SourceFiles.disk.read("/dev/zero", 1 << 16) == .failure(.tooLarge))
        }
    }

    @Test("make a policy, lists relative to it")
    func policy() throws {
        try inTemporaryFolder { folder in
            try "version: 1\ngroups: { a: { file: a.txt } }\nservices: { x: { publish: 1, allow: a } }"
                .write(toFile: folder + "/p.yaml", atomically: true, encoding: .utf8)
            try "192.0.2.1\n".write(toFile: folder + "/a.txt", atomically: true, encoding: .utf8)
            let loaded = ResolvedPolicy.load(path: folder + "/p.yaml", files: .disk)
            #expect(loaded.diagnostics == [])
            #expect(loaded.policy?.groups.first?.addresses.v4.ranges == [0xc000_0201...0xc000_0201])
        }
    }
}
