import Diagnostics
import Policy
import Testing

@Suite struct `A service that nobody enters` {
    private func told(_ services: String) -> [String] {
        load(
            """
            version: 1
            groups:
              list: [192.0.2.1, 192.0.2.3, 192.0.2.5, 192.0.2.7]
              ends: [192.0.2.1, 192.0.2.7]
              most: [192.0.2.1, 192.0.2.3, 192.0.2.7]
            services:
            \(services)
            """
        ).diagnostics.filter { $0.code == .nobodyEnters }.map(\.headline)
    }

    @Test func `is told of beside services of the same group that somebody enters, in any order`() throws {
        let open = "  open: { publish: 1, allow: list, except: ends }\n"
        let other = "  other: { publish: 2, allow: list, except: most }\n"
        let closed = "  closed: { publish: 3, allow: list, except: [most, 192.0.2.5] }\n"
        for services in [open + other + closed, closed + open + other, other + closed + open] {
            let told = told(services)
            #expect(told.count == 1)
            #expect(try #require(told.first).contains("`closed`"))
        }
        #expect(told(open + other).isEmpty)
    }
}
