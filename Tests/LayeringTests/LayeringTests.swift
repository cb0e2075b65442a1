import Testing

@Suite struct `The layers` {
    @Test func `Package.swift and docs/architecture.md give each target the same imports`() throws {
        let rows = try ModuleTable.rows()
        let manifest = try Manifest.dependencies()
        #expect(manifest.count > 10)
        #expect(Set(rows.keys) == Set(manifest.keys))
        for (target, dependencies) in manifest {
            #expect(rows[target]?.ours == dependencies, "\(target)")
        }
    }

    @Test func `a source file imports only what the table gives its target`() throws {
        let rows = try ModuleTable.rows()
        for file in try Repository.swiftSources() {
            let row = try #require(rows[file.target], "\(file.path) belongs to no target of the table")
            for (number, module) in file.imports {
                #expect(row.ours.union(row.others).contains(module), "\(file.path):\(number) imports \(module)")
            }
        }
    }

    @Test func `imports point down only`() throws {
        var left = try ModuleTable.rows().mapValues(\.ours)
        let targets = Set(left.keys)
        while !left.isEmpty {
            let free = left.filter { $0.value.intersection(targets).isDisjoint(with: left.keys) }
            if free.isEmpty { break }
            for target in free.keys { left[target] = nil }
        }
        #expect(left.isEmpty, "these import each other: \(left.keys.sorted())")
    }

    @Test func `no module imports Foundation, of which FoundationEssentials is the part that links small`() throws {
        for file in try Repository.swiftSources() {
            for (number, module) in file.imports {
                #expect(module != "Foundation", "\(file.path):\(number)")
            }
        }
    }

    @Test func `unsafe code stays in the files that may have it`() throws {
        let rows = try ModuleTable.rows()
        for file in try Repository.swiftSources() {
            switch rows[file.target]?.unsafe {
            case .yes: continue
            case .only(let names) where names.contains(file.name): continue
            case .only, .no, nil: break
            }
            for (number, text) in file.code {
                #expect(!text.contains(/\bunsafe\b/), "\(file.path):\(number)")
            }
        }
    }
}

@Suite struct `The house rules` {
    @Test(arguments: ["Sources", "Tests"])
    func `no file is longer than 400 lines`(folder: String) throws {
        for file in try Repository.files(under: folder, ending: ".swift") {
            #expect(file.lines.count <= 401, "\(file.path) has \(file.lines.count - 1) lines")
        }
    }

    @Test func `a switch over an enum of ours has no default`() throws {
        let sources = try Repository.swiftSources()
        let ours = Set(sources.flatMap(\.declaredCases))
        for file in sources {
            for (index, line) in file.lines.enumerated() where line.contains(/^ *default:/) {
                let names = file.lines[..<index].reversed().prefix {
                    $0.indentation != line.indentation || !$0.contains("switch ")
                }.filter { $0.indentation == line.indentation }.compactMap { $0.firstMatch(of: /^ *case \.(\w+)/)?.1 }
                #expect(!names.contains { ours.contains(String($0)) }, "\(file.path):\(index + 1)")
            }
        }
    }

    @Test func `no type is a Manager, Helper, Util, Handler, Data or Info`() throws {
        let type = /\b(?:struct|class|enum|protocol|actor|typealias) \w*(?:Manager|Helper|Utils?|Handler|Data|Info)\b/
        let sources = try Repository.swiftSources() + Repository.files(under: "Tests", ending: ".swift")
        for file in sources {
            for (number, text) in file.code {
                #expect(!text.contains(type), "\(file.path):\(number): \(text)")
            }
        }
    }

    @Test func `nothing of ours flushes a ruleset`() throws {
        // In two words, so that this file passes its own test.
        let flush = "flush" + " ruleset"
        let files =
            try Repository.swiftSources() + Repository.files(under: "nft", ending: ".sh")
            + Repository.files(under: "nft", ending: ".nft") + Repository.files(under: "packaging", ending: "")
            + Repository.files(under: "Benchmarks", ending: ".py")
        for file in files {
            for (number, line) in file.lines.enumerated() where !line.contains(/^ *(#|\/\/)/) {
                #expect(!line.contains(flush), "\(file.path):\(number + 1)")
            }
        }
    }

    @Test func `every decision that is cited is there`() throws {
        let decisions = Set(try Repository.files(under: "docs/decisions", ending: ".md").map(\.name))
        #expect(!decisions.isEmpty)
        for file in try Repository.files(under: "docs", ending: ".md") {
            for line in file.lines {
                for match in line.matches(of: /\b(\d{4}-[a-z0-9-]+\.md)/) {
                    #expect(decisions.contains(String(match.1)), "\(file.path) cites \(match.1)")
                }
            }
        }
    }
}
