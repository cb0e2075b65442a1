internal import Audit
internal import Files
internal import HostRules

/// What of the host's files an audit looks at. Whatever is not there, or may not be read, is left out.
enum HostSetup {
    private static let unitFolders = [
        "/etc/systemd/system", "/run/systemd/system", "/usr/local/lib/systemd/system", "/usr/lib/systemd/system",
        "/lib/systemd/system",
    ]
    private static let unitName = "dockernft.service"

    static func installation(_ network: HostNetwork) -> Installation {
        Installation(
            rulesetFiles: rulesetFiles(from: "/etc/nftables.conf"), unit: unit,
            legacyTables: Installation.legacyTables(network))
    }

    private static func text(_ path: String) -> String? {
        (try? File.read(path, atMost: 1 << 20)).map { String(decoding: $0, as: UTF8.self) }
    }

    /// The file and those that it names by path; `nft` knows globs too, which are not followed.
    private static func rulesetFiles(from start: String) -> [Installation.File] {
        var files: [Installation.File] = []
        var waiting = [start]
        var known: Set<String> = []
        while let path = waiting.popLast(), files.count < 64 {
            guard known.insert(path).inserted, let text = text(path) else { continue }
            files.append(.init(path: path, text: text))
            for line in text.split(separator: "\n") {
                let words = line.split(whereSeparator: \.isWhitespace)
                guard words.first == "include", words.count > 1 else { continue }
                let name = words[1].filter { $0 != "\"" && $0 != "'" && $0 != ";" }
                waiting.append(name.hasPrefix("/") ? name : "/etc/\(name)")
            }
        }
        return files
    }

    private static var unit: Installation.Unit {
        // Only where systemd runs, sd_booted(3).
        guard isThere("/run/systemd/system") else { return .noSystemd }
        for folder in unitFolders {
            guard let text = text("\(folder)/\(unitName)") else { continue }
            let isEnabled = ["sysinit", "multi-user", "network-pre"].contains {
                isThere("/etc/systemd/system/\($0).target.wants/\(unitName)")
            }
            return isEnabled ? .enabled(.init(path: "\(folder)/\(unitName)", text: text)) : .disabled
        }
        return .missing
    }

    private static func isThere(_ path: String) -> Bool {
        do throws(File.Failure) {
            _ = try File.read(path, atMost: 1 << 20)
            return true
        } catch {
            return error.kind != .missing
        }
    }
}
