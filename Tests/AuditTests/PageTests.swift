import Audit
import Foundation
import Testing

@Suite struct `The pages of the findings` {
    private let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../docs/findings")

    @Test(arguments: FindingCode.allCases)
    func `every code has one, and a row in their list`(code: FindingCode) throws {
        let page = try String(contentsOf: folder.appending(path: "\(code.rawValue).md"), encoding: .utf8)
        #expect(page.hasPrefix("# \(code.rawValue)\n"))
        for heading in ["## Why it matters", "## What to do"] { #expect(page.contains(heading)) }
        let list = try String(contentsOf: folder.appending(path: "README.md"), encoding: .utf8)
        #expect(list.contains("[\(code.rawValue)](\(code.rawValue).md)"))
    }

    @Test func `there is no other`() throws {
        let files = try FileManager.default.contentsOfDirectory(atPath: folder.path)
        #expect(Set(files) == Set(FindingCode.allCases.map { "\($0.rawValue).md" } + ["README.md"]))
    }
}
