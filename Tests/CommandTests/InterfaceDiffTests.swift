import Foundation
import TestSupport
import Testing

@Suite(.requires(.root, .program("ip"), .nft)) struct `What a diff says when interfaces change sides` {
    private func diff(_ before: String, _ after: String) throws -> [String] {
        try Installation.with { installation in
            try installation.apply(Sample.quiet + before)
            try installation.write(Sample.quiet + after)
            let result = try installation.run("diff")
            #expect(result.status == 1, "\(result)")
            return result.output.split(separator: "\n").map(String.init)
        }
    }

    @Test func `external: one instead of all, and all again`() throws {
        #expect(
            try diff("", "interfaces: { external: [ext0] }\n") == [
                "+ everyone may reach django 8081/tcp through any other interface",
                "+ everyone may reach any other tcp port that is forwarded to a container through any other interface",
                "+ everyone may reach any other udp port that is forwarded to a container through any other interface",
            ])
        #expect(
            try diff("interfaces: { external: [ext0] }\n", "") == [
                "- only 203.0.113.0/24 may still reach django 8081/tcp through any other interface, nobody else",
                "- nobody may reach any other tcp port that is forwarded to a container through any other interface any more",
                "- nobody may reach any other udp port that is forwarded to a container through any other interface any more",
            ])
    }

    @Test func `external: one for another`() throws {
        #expect(
            try diff("interfaces: { external: [ext0] }\n", "interfaces: { external: [ext1] }\n") == [
                "+ everyone may reach django 8081/tcp through ext0",
                "- only 203.0.113.0/24 may still reach django 8081/tcp through ext1, nobody else",
                "+ everyone may reach any other tcp port that is forwarded to a container through ext0",
                "- nobody may reach any other tcp port that is forwarded to a container through ext1 any more",
                "+ everyone may reach any other udp port that is forwarded to a container through ext0",
                "- nobody may reach any other udp port that is forwarded to a container through ext1 any more",
            ])
    }

    @Test func `containers: a bridge less, and one more`() throws {
        let both = "interfaces: { external: [ext0], containers: [docker0, br-ub] }\n"
        let one = "interfaces: { external: [ext0], containers: [docker0] }\n"
        #expect(
            try diff(both, one) == [
                "+ everyone may reach any other tcp port that is forwarded to a container behind br-ub",
                "+ everyone may reach any other udp port that is forwarded to a container behind br-ub",
            ])
        #expect(
            try diff(one, both) == [
                "- nobody may reach any other tcp port that is forwarded to a container behind br-ub any more",
                "- nobody may reach any other udp port that is forwarded to a container behind br-ub any more",
            ])
    }

    /// Behind docker0 nothing opens through ext0, and the plan does not say so.
    @Test func `external and containers: fewer of both`() throws {
        let others = "br-*, cni-podman*, docker_gwbridge, podman*"
        func lines(_ transport: String) -> [String] {
            let ports = "any other \(transport) port that is forwarded to a container"
            return [
                "+ everyone may reach \(ports) through ext0 behind \(others)",
                "+ everyone may reach \(ports) through any other interface",
            ]
        }
        #expect(
            try diff("", "interfaces: { external: [ext0], containers: [docker0] }\n") == [
                "+ everyone may reach django 8081/tcp through any other interface"
            ] + lines("tcp") + lines("udp"))
    }

    /// With `external: auto` a bridge that is none of the containers' is one more way in.
    @Test func `containers: fewer bridges, and everything else is external`() throws {
        let others = "br-*, cni-podman*, docker_gwbridge, podman*"
        func lines(_ transport: String) -> [String] {
            let ports = "any other \(transport) port that is forwarded to a container"
            return [
                "- nobody may reach \(ports) through \(others) behind docker0 any more",
                "+ everyone may reach \(ports) through any other interface behind \(others)",
            ]
        }
        #expect(
            try diff("", "interfaces: { containers: [docker0] }\n") == [
                "- only 203.0.113.0/24 may still reach django 8081/tcp through \(others), nobody else"
            ] + lines("tcp") + lines("udp"))
    }
}
