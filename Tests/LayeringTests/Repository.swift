import Foundation

/// The files of this repository, as tests read them.
enum Repository {
    static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    static func text(_ path: String) throws -> String {
        try String(contentsOf: root.appending(path: path), encoding: .utf8)
    }

    /// Files below a folder whose names end so, in name order, by their paths from the root.
    static func files(under folder: String, ending suffix: String) throws -> [SourceFile] {
        let paths = try FileManager.default.subpathsOfDirectory(atPath: root.appending(path: folder).path())
        return try paths.filter { $0.hasSuffix(suffix) }.sorted().map { path in
            SourceFile(path: "\(folder)/\(path)", lines: try text("\(folder)/\(path)").components(separatedBy: "\n"))
        }
    }

    static func swiftSources() throws -> [SourceFile] { try files(under: "Sources", ending: ".swift") }
}

struct SourceFile {
    /// `Sources/Policy/Binder.swift`
    let path: String
    let lines: [String]

    var name: String { String(path.split(separator: "/").last ?? "") }

    /// The target that a file under `Sources` or `Tests` belongs to.
    var target: String { String(path.split(separator: "/")[1]) }

    /// Lines of code, without what follows `//`, with their numbers.
    var code: [(number: Int, text: String)] {
        lines.enumerated().map { ($0.offset + 1, $0.element.prefix(upTo: "//")) }.filter { !$0.1.isEmpty }
    }

    /// The modules that it imports, whatever stands before the word: `@testable`, `public`.
    var imports: [(number: Int, module: String)] {
        code.compactMap { number, text in
            text.firstMatch(of: /^(?:@?\w+ )*import (\w+)/).map { (number, String($0.1)) }
        }
    }

    /// The first of the cases that each line of an enum declares.
    var declaredCases: [String] {
        code.compactMap { $0.text.firstMatch(of: /^ +(?:indirect )?case (\w+)/).map { String($0.1) } }
    }
}

extension String {
    func prefix(upTo mark: String) -> String { range(of: mark).map { String(self[..<$0.lowerBound]) } ?? self }

    var indentation: Int { prefix { $0 == " " }.count }
}
