import NftablesKernel
import Reconcile
import TestSupport
import Testing

@Suite(.requiresPackets) struct `A port that docker-proxy serves and no service names` {
    /// docker0 has no IPv6 unless asked, so this is any published port of a host that itself has an IPv6 address.
    @Test(arguments: DockerEngine.allCases) func `is closed`(engine: DockerEngine) throws {
        try DockerHost.with(engine, [Container("db", publish: ["5432:5432"])]) { host in
            var connection = try KernelConnection(namespace: host.namespace.path)
            _ = try connection.apply(policy: "version: 1\nservices: {}\nunlisted: drop")
            try host.expect([Probe(from: "203.0.113.7", to: "192.0.2.1:5432", expect: .silent)])
            withKnownIssue("the rules cannot tell docker-proxy from any process of the host") {
                try host.expect([Probe(from: "2001:db8:10::7", to: "[2001:db8:1::1]:5432", expect: .silent)])
            }
        }
    }
}
