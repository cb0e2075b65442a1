import Foundation
import TestSupport
import Testing

@Suite(.requires(.root, .program("ip"), .nft)) struct `The history of applied policies` {
    private static func policy(_ port: Int) -> String {
        "version: 1\nservices:\n  site: { publish: \(port), allow: [203.0.113.0/24] }\n"
    }

    private func lines(_ installation: Installation) throws -> [String] {
        try installation.run("history").orThrow().split(separator: "\n").map(String.init)
    }

    @Test func `keeps ten, the newest first, and marks what is in force`() throws {
        try Installation.with { installation in
            #expect(try lines(installation) == ["nothing is kept in \(history(installation)) of what was applied"])
            for port in 1...12 { try installation.apply(Self.policy(port)) }
            let lines = try lines(installation)
            #expect(lines.count == 10)
            #expect(lines.first?.hasPrefix("12  20") == true && lines.last?.hasPrefix(" 3  20") == true, "\(lines)")
            #expect(lines.filter { $0.contains("in force") } == Array(lines.prefix(1)), "\(lines)")
            #expect(lines.allSatisfy { $0.contains("\(installation.policy), 1 service, sha256:") }, "\(lines)")
            #expect(try installation.run("history", "--show", "3").orThrow() == Self.policy(3))
            try installation.run("remove", "--yes").orThrow()
            #expect(try !self.lines(installation).contains { $0.contains("in force") })
        }
    }

    @Test func `has one entry for a policy that is applied again and again`() throws {
        try Installation.with { installation in
            try installation.apply(Self.policy(80))
            for _ in 0..<2 {
                try installation.nft("flush", "ruleset")
                try installation.run("apply").orThrow()
            }
            #expect(try lines(installation).count == 1)
        }
    }

    @Test func `gives back a policy with its lists as they were, and leaves the files alone`() throws {
        try Installation.with { installation in
            let list = "\(installation.directory)/partners.txt"
            let text = """
                version: 1
                groups: { partners: { file: partners.txt } }
                services: { site: { publish: 80, allow: partners } }

                """
            try "192.0.2.1\n".write(toFile: list, atomically: false, encoding: .utf8)
            try installation.apply(text)
            try "192.0.2.99\n".write(toFile: list, atomically: false, encoding: .utf8)
            try installation.apply(Self.policy(8080))
            let newer = try installation.run("apply")

            let dry = try installation.run("apply", "--rollback-to", "1", "--dry-run")
            #expect(dry.status == 0 && dry.output.contains("192.0.2.1 may"), "\(dry)")
            let back = try installation.run("apply", "--rollback-to", "1")
            #expect(back.output.contains("applied entry 1 of the history (\(installation.policy) of 20"), "\(back)")
            #expect(try installation.listing().contains("192.0.2.1"))
            #expect(newer.succeeded && back.error.contains("no file is rewritten"), "\(back)")
            #expect(try String(contentsOfFile: installation.policy, encoding: .utf8) == Self.policy(8080))
            #expect(try String(contentsOfFile: list, encoding: .utf8) == "192.0.2.99\n")
            let lines = try lines(installation)
            #expect(
                lines.count == 3 && lines[0].contains("in force") && lines[0].contains("and 1 more file"), "\(lines)")

            // The commands that it says.
            for command in back.error.split(separator: "\n") where command.hasPrefix("  dockernft history") {
                let words = command.split(separator: " ").map(String.init)
                let shown = try installation.run("history", options: Array(words.dropFirst(2).dropLast(2)))
                try shown.orThrow().write(toFile: words[words.count - 1], atomically: false, encoding: .utf8)
            }
            #expect(try installation.run("apply").output.contains("nothing to do"))
            #expect(try String(contentsOfFile: list, encoding: .utf8) == "192.0.2.1\n")
            let again = try installation.run("apply", "--rollback-to", "3")
            #expect(again.succeeded && !again.error.contains("rewritten"), "\(again)")
        }
    }

    @Test func `finds an entry by the beginning of its digest, and says where there is none`() throws {
        try Installation.with { installation in
            try installation.apply(Self.policy(80))
            let digest = try #require(try lines(installation).first?.split(separator: " ").last.map(String.init))
            #expect(try installation.run("apply", "--rollback-to", digest).output.contains("nothing to do"))
            for word in ["7", "sha256:000000000000", "", "sha256:"] {
                let result = try installation.run("apply", "--rollback-to", word)
                #expect(result.status == 1 && result.error.contains("has no entry"), "\(result)")
            }
        }
    }

    @Test func `is its owner's alone, and passes over what it did not write`() throws {
        try Installation.with { installation in
            try installation.apply(Self.policy(80))
            let folder = history(installation)
            func mode(_ path: String) throws -> Int {
                try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int ?? 0
            }
            #expect(try mode(folder) == 0o700 && mode("\(folder)/1.policy") == 0o600)
            let whole = try Data(contentsOf: URL(filePath: "\(folder)/1.policy"))
            for (name, bytes) in [
                ("2.policy", whole), ("3.policy", whole.dropLast()), ("notes.txt", Data("mine".utf8)),
                ("4.policy", Data()),
            ] {
                try bytes.write(to: URL(filePath: "\(folder)/\(name)"))
            }
            let result = try installation.run("history")
            #expect(result.output.split(separator: "\n").count == 1, "\(result)")
            for name in ["2.policy", "3.policy", "4.policy", "notes.txt"] {
                #expect(result.error.contains("\(folder)/\(name) is not an entry"), "\(result)")
            }
            try installation.apply(Self.policy(81))
            #expect(try lines(installation).first?.hasPrefix("5 ") == true)
            #expect(FileManager.default.fileExists(atPath: "\(folder)/notes.txt"))
        }
    }

    @Test func `is not counted on from a number that is no host's`() throws {
        try Installation.with { installation in
            try installation.apply(Self.policy(80))
            let name = "\(history(installation))/\(UInt64.max).policy"
            try "".write(toFile: name, atomically: false, encoding: .utf8)
            try installation.apply(Self.policy(81))
            let result = try installation.run("history")
            #expect(result.output.hasPrefix("2 "), "\(result)")
            #expect(result.error.contains("\(name) is not an entry"), "\(result)")
        }
    }

    @Test func `tells what is on trial from what is in force when it is over`() throws {
        try Installation.with { installation in
            func standings() throws -> [String?] {
                let text = try installation.run("history", "--json").orThrow()
                let document = try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any]
                return try #require(document?["entries"] as? [[String: Any]]).map { $0["standing"] as? String }
            }
            try installation.apply(Self.policy(80))
            try installation.apply(Self.policy(81))
            try installation.write(Self.policy(82))
            try installation.run("apply", "--confirm-within", "10m").orThrow()
            #expect(try standings() == ["beforeTrial", "past"])
            let words = "\(installation.policy) is on trial for 10 min more, and kept here once it is confirmed"
            #expect(try lines(installation).last == words)
            try installation.run("rollback").orThrow()
            #expect(try standings() == ["inForce", "past"])
            try installation.run("apply", "--rollback-to", "1", "--confirm-within", "10m").orThrow()
            #expect(try standings() == ["beforeTrial", "onTrial"])
            #expect(try lines(installation).count == 2)
            try installation.run("confirm").orThrow()
            #expect(try standings() == ["inForce", "past", "past"])
        }
    }

    @Test func `keeps no apply from being done where it cannot be written`() throws {
        try Installation.with { installation in
            try installation.write(Self.policy(80))
            try "".write(toFile: installation.stateDirectory, atomically: false, encoding: .utf8)
            let result = try installation.run("apply")
            #expect(result.status == 0, "\(result)")
            #expect(result.error.contains("note: the policy is not kept for a later --rollback-to"), "\(result)")
            #expect(try installation.listing().contains("table inet dockernft"))
        }
    }

    @Test func `is printed for programs`() throws {
        try Installation.with { installation in
            try installation.apply(Self.policy(80))
            try installation.apply(Self.policy(81))
            let text = try installation.run("history", "--json").orThrow()
            let document = try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any]
            let entries = try #require(document?["entries"] as? [[String: Any]])
            #expect(entries.map { $0["number"] as? Int } == [2, 1])
            #expect(entries.map { $0["standing"] as? String } == ["inForce", "past"])
            #expect(entries.allSatisfy { $0["services"] as? Int == 1 })
        }
    }

    /// That of a namespace that is named is below the one of the host.
    private func history(_ installation: Installation) -> String {
        "\(installation.stateDirectory)/namespace-run%netns%\(installation.namespace.name)"
    }
}

extension Installation {
    fileprivate func run(_ command: String, options: [String]) throws -> ProgramResult {
        try program(command, options).run()
    }
}
