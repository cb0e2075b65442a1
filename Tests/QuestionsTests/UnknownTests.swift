import Addressing
import Compiler
import Diagnostics
import Docker
import Nftables
import Policy
import Questions
import Testing

@Suite struct `What the rules do not say` {
    private static let services = "services: { site: { publish: 80, allow: 203.0.113.0/24 } }\n"

    /// What we do not follow decides of all that is forwarded.
    @Test(arguments: ["allow 203.0.113.5 -> site", "deny 198.51.100.9 -> site", "nobody but 203.0.113.0/24 -> site"])
    func `proves no expectation`(line: String) throws {
        let policy = try Asked(Self.services + "expect: [\(line)]").policy
        let ruleset = Compiler.compile(policy)
        var linear = ruleset.linearized()
        let forward = try #require(linear.chains.firstIndex { $0.name == "forward" })
        var known = Inquiry(policy: policy, ruleset: ruleset, linear: linear)
        guard case .holds = known.results()[0].outcome else {
            Issue.record("without it, it holds")
            return
        }
        linear.chains[forward].rules.insert(
            LinearRule([.opaque(name: "fib", []), .immediate(.accept)]), at: 0)
        var inquiry = Inquiry(policy: policy, ruleset: ruleset, linear: linear)
        guard case .fails(let failure) = inquiry.results()[0].outcome else {
            Issue.record("it fails closed")
            return
        }
        #expect("\(failure.explanation.obstacle.map { "\($0)" } ?? "")".contains("fib"))
        let question = try #require(policy.question(from: "198.51.100.9", to: "80").question)
        #expect(inquiry.explain(question).verdict == .unknown)
    }

    @Test func `of docker-proxy at a port that nobody names, Docker says`() throws {
        let expectation = "expect: [deny anyone -> 9000, deny anyone -> 78-82, allow 198.51.100.9 -> 9000]"
        let open = Self.services + "host: { otherwise: accept }\n" + expectation
        #expect(try Asked(open).results == ["untested", "fails", "fails"])
        #expect(try Asked(open).verdict("anyone", "9000") == .unknown)
        #expect(try Asked(open, Inventory()).results == ["holds", "fails", "fails"])
        #expect(try Asked(open, Inventory()).verdict("anyone", "9000") == .refused)
        let closed = Self.services + "host: { otherwise: drop }\n" + expectation
        #expect(try Asked(closed).results == ["holds", "fails", "fails"], "whether it serves the port or not")
    }

    @Test func `is told from what nobody asked`() throws {
        let text = "groups: { none: [], outer: [none] }\n" + Self.services
        #expect("\(try Asked(text).explain("outer", "80").obstacle.map { "\($0)" } ?? "")" == "nobody")
        let six = try Asked("services: { site: { publish: 80, on: 192.0.2.1, allow: anyone } }")
        #expect("\(try six.explain("2001:db8::1", "site").obstacle.map { "\($0)" } ?? "")" == "otherFamily")
    }

    @Test func `is not worked out for more ports than one answer has room for`() throws {
        let services = (0..<3000).map { "s\($0): { publish: \(1024 + $0 * 2), allow: nobody }" }
        let asked = try Asked("services: { \(services.joined(separator: ", ")) }")
        #expect("\(try asked.explain("anyone", "1024-65535").obstacle.map { "\($0)" } ?? "")" == "tooManyWays")
    }

    @Test func `tests nothing where the clients are an empty group`() throws {
        let text = "groups: { none: [], outer: [none] }\n" + Self.services
        func codes(_ line: String) -> [Diagnostic.Code] {
            let bytes = Array("version: 1\n\(text)expect: [\(line)]\n".utf8)
            let loaded = ResolvedPolicy.load(path: "policy.yaml", files: .inMemory(["policy.yaml": bytes]))
            return loaded.diagnostics.filter { $0.span.start.line == 4 }.map(\.code)
        }
        #expect(codes("allow outer -> site") == [.emptyGroup])
        #expect(codes("deny outer -> 192.0.2.1:80") == [.emptyGroup])
        #expect(codes("nobody but outer -> site") == [])
    }

    @Test func `and nobody may be asked, is not offered as a client`() throws {
        let found = try Asked(Self.services).policy.question(from: "offce", to: "80").diagnostics
        #expect(found.first?.expected?.contains("`nobody`") == false, "\(found)")
        #expect(found.first?.expected?.hasPrefix("`anyone`, a group") == true, "\(found)")
    }
}
