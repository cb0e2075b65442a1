import Diagnostics
import Foundation
import Policy
import Presentation
import Testing

/// Every folder of `Bad` is a policy with something wrong, and beside it the very text that its author is shown.
@Suite("A wrong policy")
struct BadPolicyTests {
    @Test("gets the diagnostics that lie beside it", arguments: try Golden.all())
    func diagnostics(golden: Golden) throws {
        let loaded = ResolvedPolicy.load(path: "policy.yaml", files: try golden.files())
        #expect(!loaded.diagnostics.isEmpty)
        #expect((loaded.policy == nil) == loaded.diagnostics.hasErrors)
        let concise = DiagnosticText(.concise).render(loaded.diagnostics, sources: loaded.sources)
        let full = DiagnosticText(.full).render(loaded.diagnostics, sources: loaded.sources)
        try golden.expect(concise + "\n" + full)
    }

    @Test("there are at least eighty of them")
    func count() throws {
        #expect(try Golden.all().count >= 80)
    }

    @Test("every diagnostic says what to do, or what was expected", arguments: try Golden.all())
    func help(golden: Golden) throws {
        for diagnostic in ResolvedPolicy.load(path: "policy.yaml", files: try golden.files()).diagnostics {
            #expect(diagnostic.help != nil || diagnostic.expected != nil, "\(diagnostic.headline)")
            #expect(diagnostic.span.start <= diagnostic.span.end, "\(diagnostic.headline)")
        }
    }
}

struct Golden: CustomTestStringConvertible, Sendable {
    static let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Bad")

    var name: String

    var testDescription: String { name }

    static func all() throws -> [Golden] {
        try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted().map { Golden(name: $0) }
    }

    private var url: URL { Self.folder.appending(path: name) }
    private var text: URL { url.appending(path: "diagnostics.txt") }

    func files() throws -> SourceFiles {
        var files: [String: [UInt8]] = [:]
        for path in try FileManager.default.subpathsOfDirectory(atPath: url.path) where path != "diagnostics.txt" {
            guard let bytes = FileManager.default.contents(atPath: url.appending(path: path).path) else { continue }
            files[path] = Array(bytes)
        }
        return .inMemory(files)
    }

    /// With DOCKERNFT_GOLDEN=write the golden is written anew when it differs, and the run fails, so that nobody takes it for
    /// a proof.
    func expect(_ rendered: String) throws {
        let recorded = (try? String(contentsOf: text, encoding: .utf8)) ?? ""
        if ProcessInfo.processInfo.environment["DOCKERNFT_GOLDEN"] == "write", recorded != rendered {
            try rendered.write(to: text, atomically: true, encoding: .utf8)
            Issue.record("the golden of \(name) was written: read it, commit it, and run again")
            return
        }
        #expect(rendered == recorded)
    }
}
