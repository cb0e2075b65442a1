import Audit
import Foundation
import HostRules
import Presentation
import Testing

@Suite struct `An audit on paper` {
    @Test func `what is wrong comes first, then who gets in by each door`() {
        let text = AuditText(SampleHost().report, doors: .reachable).text
        let lines = text.split(separator: "\n").map(String.init)
        #expect(lines.first == "there is no policy, and this is open:")
        #expect(
            text.contains(
                "open to anyone [open-by-proxy] anyone reaches 8081/tcp of web by docker-proxy, as no policy says who may"
            ))
        #expect(text.contains("    who    every IPv6 address"))
        #expect(lines.contains { $0.hasPrefix("VERDICT         PATH      PORT") })
        #expect(lines.contains { $0.hasPrefix("open to anyone  proxy     8081/tcp  web  2001:db8:1::1") })
        #expect(lines.last == "2 closed doors are not shown; --all shows them too")
    }

    @Test func `all doors are shown to whom asks for them`() {
        let text = AuditText(SampleHost().report, doors: .all).text
        #expect(text.contains("closed          direct    other tcp  web  172.17.0.2"))
    }

    @Test func `what is unknown says so, and why`() {
        let report = SampleHost(
            [SampleHost.guarding(.forward, [[.unknown("osf"), .verdict(.drop)]])],
            policy: "version: 1\nservices:\n  web: {publish: 8081, allow: nobody}\n"
        ).report
        let text = AuditText(report, doors: .reachable).text
        #expect(
            text.contains(
                "unknown [answer-unknown] who reaches 8081/tcp of web by DNAT over IPv4 could not be found out: inet guard forward handle 1: osf is not followed"
            ))
        #expect(text.contains("not known of every IPv4 address"))
    }

    @Test func `a program reads the same`() throws {
        let json = try AuditJSON.render(SampleHost().report, policyPath: nil)
        let document = try #require(try JSONSerialization.jsonObject(with: Data(json.utf8)) as? [String: Any])
        #expect(document["version"] as? Int == 1)
        #expect(document["result"] as? String == "open")
        let doors = try #require(document["doors"] as? [[String: Any]])
        let proxy = try #require(doors.first { $0["path"] as? String == "proxy" })
        #expect(proxy["open"] as? [String] == ["::/0"])
        #expect(proxy["port"] as? Int == 8081)
        let other = try #require(
            doors.first { $0["path"] as? String == "direct" && $0["verdict"] as? String == "closed" })
        #expect(other["port"] == nil)
    }
}
