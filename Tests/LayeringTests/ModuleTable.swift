import Testing

/// A row of the table in `docs/architecture.md`.
struct ModuleRow {
    enum Unsafe: Equatable {
        case no
        case yes
        case only([String])
    }

    let target: String
    let ours: Set<String>
    let others: Set<String>
    let unsafe: Unsafe
}

enum ModuleTable {
    static func rows() throws -> [String: ModuleRow] {
        var rows: [String: ModuleRow] = [:]
        for line in try Repository.text("docs/architecture.md").split(separator: "\n") where line.hasPrefix("| `") {
            let cells = line.split(separator: "|").map { String($0) }
            try #require(cells.count == 5, "a row has five cells: \(line)")
            let target = try #require(words(cells[0]).first)
            let unsafe: ModuleRow.Unsafe =
                switch cells[4].filter({ $0 != " " }) {
                case "no": .no
                case "yes": .yes
                case _: .only(words(cells[4]))
                }
            rows[target] = ModuleRow(
                target: target, ours: Set(words(cells[2])), others: Set(words(cells[3])), unsafe: unsafe)
        }
        return rows
    }

    /// What stands between backticks.
    private static func words(_ cell: String) -> [String] { cell.matches(of: /`([^`]+)`/).map { String($0.1) } }
}

enum Manifest {
    /// The targets of `Package.swift` that are programs or libraries of ours, each with the targets that it depends on.
    static func dependencies() throws -> [String: Set<String>] {
        let text = try Repository.text("Package.swift")
        var targets: [String: Set<String>] = [:]
        for match in text.matches(of: /\n +layer\(\s*"(\w+)"(?:,\s*\[([^\]]*)\])?(?:,\s*others: \w+)?\)/) {
            targets[String(match.1)] = names(String(match.2 ?? ""))
        }
        for match in text.matches(of: /\.executableTarget\(\s*name: "(\w+)",\s*dependencies: \[([^\]]*)\]/) {
            targets[String(match.1)] = names(String(match.2)).subtracting(["ArgumentParser", "swift-argument-parser"])
        }
        return targets
    }

    private static func names(_ list: String) -> Set<String> {
        Set(list.matches(of: /"([\w-]+)"/).map { String($0.1) })
    }
}
