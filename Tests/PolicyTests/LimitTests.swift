import Addressing
import Diagnostics
import Policy
import Testing

@Suite("A limit")
struct LimitTests {
    private func codes(_ text: String, _ others: [String: String] = [:]) -> [Diagnostic.Code] {
        load(text, others).diagnostics.map { $0.code }
    }

    @Test("of 10,000 services holds to the one")
    func services() {
        func policy(_ count: Int) -> String {
            "version: 1\nservices:\n"
                + (0..<count).map { "  s\($0): { publish: \($0 % 60000 + 1), allow: 192.0.2.1 }\n" }.joined()
        }
        #expect(codes(policy(10_000)) == [])
        #expect(codes(policy(10_001)) == [.tooManyServices])
    }

    @Test("of a million addresses counts those of nested groups too")
    func addresses() {
        let line = "10.0.0.1\n"
        let list = String(repeating: line, count: 500_000)
        let policy =
            "version: 1\ngroups: { a: [{ file: l }, b], b: { file: l } }\nservices: { x: { publish: 1, allow: a } }"
        #expect(codes(policy, ["etc/l": list]) == [])
        #expect(codes(policy, ["etc/l": list + line]) == [.tooManyAddresses])
    }

    @Test("of 64 nested groups holds to the one")
    func nesting() {
        func policy(_ count: Int) -> String {
            "version: 1\ngroups:\n  g0: [192.0.2.1]\n" + (1..<count).map { "  g\($0): [g\($0 - 1)]\n" }.joined()
                + "services: { x: { publish: 1, allow: g\(count - 1) } }"
        }
        #expect(codes(policy(64)) == [])
        #expect(codes(policy(65)) == [.groupDepth])
        #expect(codes(policy(5_000)) == [.groupDepth])
    }

    @Test("of 16 MiB of YAML is told before it is parsed")
    func size() {
        #expect(codes("version: 1\n#" + String(repeating: "x", count: 16 << 20)) == [.fileTooLarge])
    }

    @Test("of errors keeps the first thousand and counts the rest")
    func errors() {
        let items = String(repeating: "x, ", count: 3_000)
        let loaded = load("version: 1\nservices: { a: { publish: 1, allow: [\(items)] } }")
        #expect(loaded.diagnostics.count == 1001)
        #expect(loaded.diagnostics.last?.code == .tooManyErrors)
        #expect(loaded.diagnostics.last?.headline == "2000 more are not shown")
    }

    @Test("of findings does not lose an error behind warnings, nor refuse a policy for warnings")
    func warnings() {
        let warning = "publish: 80, interfaces: docker0, on: 127.0.0.1, allow: [anyone, 192.0.2.1]"
        let services = (0..<1_500).map { "  s\($0): { \(warning) }\n" }.joined()
        let fine = load("version: 1\nservices:\n" + services)
        #expect(fine.policy != nil)
        #expect(fine.diagnostics.count == 1001)
        #expect(!fine.diagnostics.hasErrors)
        let wrong = load("version: 1\nservices:\n" + services + "  x: { publish: 80 }\n")
        #expect(wrong.policy == nil)
        #expect(wrong.diagnostics.contains { $0.code == .missingKey })
    }

    @Test("of patience is not reached by many services with long lists", .timeLimit(.minutes(1)))
    func manyServices() {
        let list = (0..<50_000).map { "10.\($0 >> 8).\($0 & 255).1\n" }.joined()
        let services = (0..<2_000).map { "  s\($0): { publish: \($0 + 1), allow: l, except: [m, 192.0.2.1] }\n" }
            .joined()
        let groups = "version: 1\ngroups: { l: { file: l }, m: { file: m } }\nservices:\n"
        let loaded = load(groups + services, ["etc/l": list + "10.255.255.9", "etc/m": list])
        #expect(loaded.diagnostics == [])
    }

    @Test("of patience is not reached by many groups whose names are all wrong", .timeLimit(.minutes(1)))
    func manyWrongNames() {
        let groups = (0..<5_000).map { "  g\($0): wrong\($0)\n" }.joined()
        #expect(codes("version: 1\ngroups:\n" + groups).count == 1001)
    }

    @Test("of nested includes ends a chain that names ever new files")
    func includes() {
        let endless = SourceFiles { path, _ in .success(Array("version: 1\ninclude: \(path)x".utf8)) }
        #expect(ResolvedPolicy.load(path: "p", files: endless).diagnostics.map { $0.code } == [.includeDepth])
    }

    @Test("of included files holds to the one, and is said once")
    func files() {
        func policy(_ count: Int) -> String {
            "version: 1\ninclude: [\((1..<count).map { "i\($0)" }.joined(separator: ", "))]\n"
                + "services: { x: { publish: 1, allow: 192.0.2.1 } }"
        }
        let included = Dictionary(uniqueKeysWithValues: (1..<300).map { ("etc/i\($0)", "{}") })
        #expect(codes(policy(256), included) == [])
        #expect(codes(policy(257), included) == [.tooManyFiles])
        #expect(codes(policy(299), included) == [.tooManyFiles])
    }

    @Test("of included files ends two that include each other by ever new names", .timeLimit(.minutes(1)))
    func includesOfIncludes() {
        let endless = SourceFiles { _, _ in .success(Array("version: 1\ninclude: [a/x, b/x]".utf8)) }
        let loaded = ResolvedPolicy.load(path: "p", files: endless)
        #expect(Set(loaded.diagnostics.map { $0.code }) == [.includeDepth, .tooManyFiles])
    }

    @Test("of aliases refuses the billion laughs before it expands them", .timeLimit(.minutes(1)))
    func laughs() {
        var policy = "version: 1\ngroups:\n  a: &a [x, x, x, x, x, x, x, x, x, x]\n"
        for (last, next) in zip("abcdefghijk", "bcdefghijkl") {
            policy += "  \(next): &\(next) [\((0..<10).map { _ in "*\(last)" }.joined(separator: ", "))]\n"
        }
        #expect(codes(policy) == [.tooManyNodes])
    }

    @Test("of depth counts what an alias brings along")
    func deepAliases() {
        var policy = "version: 1\ngroups:\n  a0: &a0 [x]\n"
        for index in 1..<200 { policy += "  a\(index): &a\(index) [*a\(index - 1)]\n" }
        #expect(codes(policy) == [.nestingDepth])
    }
}
