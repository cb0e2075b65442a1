import Addressing
import Audit
import MatrixSupport
import Reachability
import TestSupport
import Testing

/// Rules in which it is easy to be wrong. Where a packet gets in, the audit may not say closed.
@Suite(.requiresPackets) struct `Rules that are hard to follow` {
    struct Trick: CustomTestStringConvertible {
        var testDescription: String
        var chains: String
    }

    static let tricks = [
        Trick(
            testDescription: "by the port that a client takes",
            chains: """
                chain f { type filter hook forward priority -10; tcp sport 53 accept; oifname docker0 drop; }
                chain i { type filter hook input priority -10; tcp sport 53 accept; tcp dport 8090 drop; }
                """),
        Trick(
            testDescription: "DNAT to where it goes anyway",
            chains: """
                chain p { type nat hook prerouting priority -110; tcp dport 8081 dnat ip to 192.0.2.1:8081; }
                chain f { type filter hook forward priority -10; oifname docker0 drop; }
                """),
        Trick(
            testDescription: "a source behind source NAT",
            chains: """
                chain s { type nat hook postrouting priority 90; oifname docker0 masquerade; }
                chain i { type nat hook input priority 300; tcp dport 8090 snat ip to 203.0.113.99; }
                chain p { type filter hook postrouting priority 200; ip saddr 203.0.113.0/26 drop; }
                chain q { type filter hook input priority 200; ip saddr 203.0.113.0/26 drop; }
                """),
        Trick(
            testDescription: "an address that a rule writes into the packet",
            chains: """
                chain w { type filter hook forward priority -20; ip saddr 203.0.113.7 ip saddr set 203.0.113.99; }
                chain f { type filter hook forward priority -10; ip saddr 203.0.113.7 drop; }
                """),
        Trick(
            testDescription: "a chain with NAT's own priority",
            chains: "chain p { type filter hook prerouting priority -100; tcp dport { 80, 8081 } drop; }"),
        Trick(
            testDescription: "a chain with conntrack's own priority",
            chains: "chain p { type filter hook prerouting priority -200; ct state { invalid, untracked } drop; }"),
        Trick(
            testDescription: "NAT for what is not tracked",
            chains: """
                chain r { type filter hook prerouting priority -300; ip daddr 172.17.0.2 notrack; }
                chain s { type nat hook postrouting priority 90; ip daddr 172.17.0.2 drop; }
                """),
        Trick(
            testDescription: "another port of the host's, one of several",
            chains: "chain p { type nat hook prerouting priority -110; tcp dport 8081 redirect to :8090-8091; }"),
    ]

    static let probes = [
        Probe(from: "203.0.113.7", to: "192.0.2.1:8081"),
        Probe(from: "203.0.113.7", sourcePort: 53, to: "192.0.2.1:8081"),
        Probe(from: "203.0.113.99", to: "192.0.2.1:8081"),
        Probe(from: "203.0.113.7", to: "192.0.2.1:8090"),
        Probe(from: "203.0.113.7", sourcePort: 53, to: "192.0.2.1:8090"),
        Probe(from: "203.0.113.7", to: "172.17.0.2:80"),
        Probe(from: "203.0.113.7", sourcePort: 53, to: "172.17.0.2:80"),
        Probe(from: "2001:db8:10::7", to: "[2001:db8:1::1]:8081"),
    ]

    @Test(arguments: tricks) func `are never said to be closed where a packet gets in`(trick: Trick) throws {
        try DockerHost.with(.iptables20, [TestSupport.Container("web", publish: ["8081:80"])]) { host in
            try host.serve("hostapp", at: .host, on: 8090)
            try host.load("table inet trick {\n\(trick.chains)\n}")
            var judge = Judge(try Subject(host.namespace))
            for (probe, outcome) in zip(Self.probes, try host.probe(Self.probes)) {
                let passage = judge.passage(
                    from: try #require(IPAddress(probe.source)),
                    Approach(
                        interface: "ext0", transport: .tcp, address: try #require(IPAddress(probe.destination)),
                        port: probe.port))
                // What is refused has come in too.
                if outcome != .silent { #expect(passage != .closed, "\(probe): \(outcome)") }
            }
        }
    }
}
