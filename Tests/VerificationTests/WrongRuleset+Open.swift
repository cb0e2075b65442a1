import Addressing
import Nftables

/// What becomes of connections that were open before.
extension WrongRuleset {
    /// For one protocol or family, or for all of them.
    private static func ofOpen(_ verdict: Verdict, _ condition: Statement...) -> LinearRule {
        let rule = Rule(
            condition + [.match(.conntrack(.state), .anyOf(.state(.established))), .verdict(verdict)])
        let ruleset = Ruleset(table: Table(name: "any"), chains: [Chain(name: "any", rules: [rule])])
        return ruleset.linearized().chains.first?.rules.first ?? LinearRule([])
    }

    static let open = [
        WrongRuleset("what is established is let through at the forward hook") {
            try $0.insertRule("forward", ofOpen(.accept))
        },
        WrongRuleset("what is established is let through at the input hook") {
            try $0.insertRule("input", ofOpen(.accept))
        },
        WrongRuleset("what is established is let through to one service") {
            try $0.insertRule("services-monitoring//wiki", ofOpen(.accept))
        },
        WrongRuleset("what is established is let through to a service of the machine") {
            try $0.insertRule("host-ssh", ofOpen(.accept))
        },
        WrongRuleset("what is established is let through to a container's own address", .docker) {
            try $0.insertRule("to-containers", ofOpen(.accept))
        },
        WrongRuleset("what is established is let through to what no service names", .docker) {
            try $0.insertRule("unlisted", ofOpen(.accept))
        },
        WrongRuleset("what is established over TCP alone is let through") {
            try $0.insertRule("forward", ofOpen(.accept, .match(.meta(.l4proto), .equals(.l4proto(.tcp)))))
        },
        WrongRuleset("what is established over UDP alone is let through") {
            try $0.insertRule("published", ofOpen(.accept, .match(.meta(.l4proto), .equals(.l4proto(.udp)))))
        },
        WrongRuleset("what is established over IPv6 alone is let through") {
            try $0.insertRule("from-outside", ofOpen(.accept, .match(.meta(.nfproto), .equals(.family(.ipv6)))))
        },
        WrongRuleset("what clients have opened over TCP is stopped") {
            try $0.insertRule(
                "services-monitoring//open", ofOpen(.drop, .match(.meta(.l4proto), .equals(.l4proto(.tcp)))))
        },
        WrongRuleset("what containers have opened is stopped") {
            try $0.insertRule(
                "forward",
                ofOpen(
                    .drop, .match(.meta(.iifname), .inSet("containers")),
                    .match(.meta(.l4proto), .equals(.l4proto(.tcp))),
                    .match(.conntrack(.direction), .equals(.direction(.original)))))
        },
    ]
}
