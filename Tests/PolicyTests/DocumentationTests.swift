import Addressing
import Compiler
import Diagnostics
import Docker
import Foundation
import Nftables
import Policy
import Presentation
import Questions
import Testing

@Suite("The documentation")
struct DocumentationTests {
    private static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "docs")

    private func text(_ path: String) throws -> String {
        try String(contentsOf: Self.folder.appending(path: path), encoding: .utf8)
    }

    /// The fenced blocks of a language, in order.
    private func blocks(_ language: String, in page: String) -> [String] {
        page.components(separatedBy: "```\(language)\n").dropFirst().compactMap {
            $0.components(separatedBy: "\n```").first
        }
    }

    private func codes(_ policy: String) -> Set<Diagnostic.Code> {
        // The lists that the examples name.
        let loaded = load(policy + "\n", ["etc/partners.txt": "192.0.2.1\n", "etc/office.txt": "192.0.2.2\n"])
        let asked = loaded.resolved(against: Self.inventory).diagnostics
        return Set((asked + loaded.resolvedWithoutDocker.diagnostics + tests(of: loaded)).map { $0.code })
    }

    private func tests(of loaded: LoadedPolicy) -> [Diagnostic] {
        guard let policy = loaded.policy else { return [] }
        let ruleset = Compiler.compile(policy)
        var inquiry = Inquiry(policy: policy, ruleset: ruleset, linear: ruleset.linearized())
        return inquiry.results().compactMap(\.diagnostic)
    }

    /// What runs on the host of the pages.
    private static let inventory = Inventory(containers: [
        Container(id: "1", name: "exporter", usesHostNetwork: true),
        Container(id: "2", name: "four", bindings: [binding("0.0.0.0", 8080)]),
        Container(id: "3", name: "grafana", bindings: [binding("0.0.0.0", 3000), binding("::", 3000)]),
        Container(id: "4", name: "six", bindings: [binding("::", 8080)]),
    ])

    private static func binding(_ address: String, _ port: UInt16) -> Binding {
        Binding(
            hostAddress: IPAddress(address) ?? .v4(IPv4Address(0)), hostPort: port, transport: .tcp, containerPort: port
        )
    }

    @Test("has a page for every code, whose examples get it and do not get it", arguments: Diagnostic.Code.allCases)
    func page(code: Diagnostic.Code) throws {
        let page = try text("diagnostics/\(code.rawValue).md")
        #expect(page.hasPrefix("# \(code.rawValue)\n"))
        let examples = blocks("yaml", in: page)
        if let wrong = examples.first { #expect(codes(wrong).contains(code)) }
        for right in examples.dropFirst() { #expect(!codes(right).contains(code)) }
        #expect(try text("diagnostics/README.md").contains("[\(code.rawValue)](\(code.rawValue).md)"))
    }

    @Test("has no page for a code that is gone")
    func strayPages() throws {
        let names = try FileManager.default.contentsOfDirectory(atPath: Self.folder.appending(path: "diagnostics").path)
        let known = Set(Diagnostic.Code.allCases.map { "\($0.rawValue).md" } + ["README.md"])
        #expect(Set(names) == known)
    }

    @Test("shows policies that are valid, in the reference")
    func reference() throws {
        let examples = blocks("yaml", in: try text("policy.md"))
        #expect(examples.count >= 8)
        for example in examples {
            let whole = example.contains("version: 1") ? example : "version: 1\n" + example
            let errors = load(whole + "\n", ["etc/partners.txt": "192.0.2.1\n", "etc/office.txt": "192.0.2.2\n"])
                .diagnostics.filter { $0.severity == .error }
            #expect(errors == [], "\(example)")
        }
    }
}
