import TestSupport
import Testing

@Suite(.requires(.root, .program("ip"))) struct `Network namespaces` {
    @Test func `a program runs inside, and its status and output come back`() throws {
        try NetworkNamespace.with { namespace in
            let links = try namespace.run("ip", "-o", "link").orThrow()
            #expect(links.split(separator: "\n").count == 1)
            let failed = try namespace.run("ip", "link", "show", "nosuch")
            #expect(failed.status == 1)
            #expect(failed.error.contains("does not exist"))
        }
    }

    @Test func `a namespace is gone after its scope, also when the scope throws`() throws {
        struct Stop: Error { let name: String }
        let stop = #expect(throws: Stop.self) {
            try NetworkNamespace.with { throw Stop(name: $0.name) }
        }
        let left = try Program(["ip", "netns", "list"]).run().orThrow()
        #expect(!left.contains(try #require(stop).name))
    }

    @Test func `a program that does not end is ended`() throws {
        #expect(throws: BenchError.self) { try Program(["sleep", "30"], timeout: .milliseconds(100)).run() }
    }
}
