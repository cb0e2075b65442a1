import Addressing
import Nftables

extension WrongRuleset {
    static let all = services + sets + ports + hooks + guards + host + docker + open + gaps + packets

    static func key(_ interface: String) -> KeyField {
        (try? InterfaceName(interface)).map(KeyField.interface) ?? .proto(0)
    }

    private static let services = [
        WrongRuleset("a rule that lets a group in is dropped") {
            try $0.removeRules("services-monitoring//wiki") { $0.says("wiki: group-office-v4") }
        },
        WrongRuleset("the rule that refuses all others is dropped", .docker) {
            try $0.removeRules("service-web") { $0.says("nobody else") }
        },
        WrongRuleset("who is let in and who is refused have changed places") {
            try $0.changeRules("services-monitoring//wiki") { rule in
                switch rule.verdict {
                case .accept?: rule.verdict = .drop
                case .drop?: rule.verdict = .accept
                case .return?, .jump?, .goto?, nil: break
                }
            }
        },
        WrongRuleset("a service's exceptions are forgotten") {
            try $0.changeRules("services-monitoring//open") { $0.forget("group-banned-v4") }
        },
        WrongRuleset("the exceptions are forgotten of IPv6 alone") {
            try $0.changeRules("services-monitoring//wiki") { $0.forget("group-banned-v6") }
        },
        WrongRuleset("everybody is let in over IPv6, as of a rule whose family is the other one") {
            try $0.changeRules("services-monitoring//open") { rule in
                for index in rule.expressions.indices where rule.expressions[index] == .compare(.first, .equal, [2]) {
                    rule.expressions[index] = .compare(.first, .equal, [10])
                }
            }
        },
        WrongRuleset("a service is reached through every interface") {
            try $0.changeRules("services-internal//monitoring") { $0.forget("interfaces-internal") }
        },
        WrongRuleset("a wildcard is one letter short") {
            try $0.changeElements("interfaces-internal") { elements in
                for index in elements.indices where elements[index].key == [key("wg*")] {
                    elements[index].key = [key("w*")]
                }
            }
        },
        WrongRuleset("what is published by any port is refused") {
            try $0.removeRules("to-containers") { $0.says("any published port") }
        },
        WrongRuleset("answers over UDP are judged by an interface that they do not show") {
            try $0.removeRules("services-internal//monitoring") { $0.says("a reply does not show") }
        },
    ]

    private static let sets = [
        WrongRuleset("a set is wider than its list") {
            try $0.setAddresses("sources-service-ports-v4", "203.0.113.0/25")
        },
        WrongRuleset("a set is narrower than its list") {
            try $0.setAddresses("group-partners-v4", "198.51.100.128/27")
        },
        WrongRuleset("a range ends one address late") {
            try $0.setAddresses("group-office-v4", "203.0.113.0/26", "203.0.113.200-203.0.113.211")
        },
        WrongRuleset("a range begins one address late") {
            try $0.setAddresses("group-office-v4", "203.0.113.0/26", "203.0.113.201-203.0.113.210")
        },
        WrongRuleset("an IPv6 set is empty") { try $0.setAddresses("group-office-v6") },
        WrongRuleset("an IPv6 prefix is one bit short") {
            try $0.setAddresses("sources-service-more-v6", "2001:db8:20::/63")
        },
        WrongRuleset("a single exception is another address") {
            try $0.setAddresses("except-host-ssh-v4", "203.0.113.14")
        },
    ]

    private static let ports = [
        WrongRuleset("a port in the map is another one") {
            try $0.movePorts("published-tcp", 80...80, to: 81...81)
        },
        WrongRuleset("a range of ports ends one port early") {
            try $0.movePorts("published-tcp", 7006...7009, to: 7006...7008)
        },
        WrongRuleset("a port leads to another service's chain") {
            try $0.changeElements("published-tcp") { elements in
                for index in elements.indices where elements[index].key == [.service(8001...8001)] {
                    elements[index].verdict = .goto("services-monitoring//site")
                }
            }
        },
        WrongRuleset("the map of UDP is not looked up") {
            try $0.removeRules("published") { $0.looksUp("published-udp") }
        },
        WrongRuleset("the host address of a service counts for nothing") {
            try $0.changeElements("published-tcp") { elements in
                for index in elements.indices where elements[index].key == [.service(8082...8082)] {
                    elements[index].verdict = .goto("services-monitoring//pinned")
                }
            }
        },
        WrongRuleset("a service's IPv6 host address is another one") {
            try $0.changeElements("published-on-tcp-v6") { elements in
                for index in elements.indices {
                    elements[index].key[0] = .ipv6(0x2001_0db8_0001 << 80 | 1...0x2001_0db8_0001 << 80 | 1)
                }
            }
        },
        WrongRuleset("the container's port is looked up instead of the one that was dialled") {
            try $0.changeRules("published") { rule in
                guard rule.looksUp("published-tcp") else { return }
                for index in rule.expressions.indices {
                    if case .conntrack(.originalServiceDestination, let register) = rule.expressions[index] {
                        rule.expressions[index] = .payload(.transport, offset: 2, length: 2, into: register)
                    }
                }
            }
        },
    ]

    private static let hooks = [
        WrongRuleset("there is no chain at the forward hook") { try $0.removeChain("forward") },
        WrongRuleset("there is no chain at the input hook") { try $0.removeChain("input") },
        WrongRuleset("there is no chain at the output hook") { try $0.removeChain("output") },
        WrongRuleset("the chain at the forward hook drops what it does not judge") {
            try $0.changeChain("forward") { $0.base?.policy = .drop }
        },
        WrongRuleset("it comes behind Docker's chains", .docker) {
            try $0.changeChain("forward") { $0.base?.priority = 5 }
        },
        WrongRuleset("a bridge of containers is taken for an external interface") {
            try $0.changeElements("internal") { $0.removeAll { $0.key == [key("docker0")] } }
        },
        WrongRuleset("an external interface is trusted") {
            try $0.changeElements("internal") { $0.append(Element(key: [key("ext*")])) }
        },
    ]

    private static let guards = [
        WrongRuleset("what is addressed to loopback gets in") {
            try $0.removeRules("published") { $0.says("127.0.0.0/8") }
        },
        WrongRuleset("answers to containers are judged as requests") {
            try $0.removeRules("forward") { $0.says("replies") }
        },
        WrongRuleset("answers to the host are judged as requests") {
            try $0.removeRules("input") { $0.says("replies") }
        },
        WrongRuleset("a container's connection that was cut comes back") {
            try $0.removeRules("forward") { $0.says("a cut connection") }
        },
        WrongRuleset("a host service's connection that was cut comes back") {
            try $0.removeRules("output") { $0.says("a cut connection") }
        },
        WrongRuleset("what conntrack does not follow gets in", .docker) {
            try $0.removeRules("to-this-machine") { $0.says("no connection, so") }
        },
        WrongRuleset("what conntrack does not follow never gets in") {
            try $0.removeRules("to-this-machine") { $0.verdict == .jump("untracked") }
        },
    ]

    private static let host = [
        WrongRuleset("the machine's other ports are open") {
            try $0.removeRules("host") { $0.says("otherwise: drop") }
        },
        WrongRuleset("nobody may ping") { ruleset in
            try ruleset.removeRules("host") { $0.verdict == .goto("host-ping") }
        },
        WrongRuleset("a service of the machine is not looked up") {
            try $0.removeRules("host") { $0.looksUp("host-tcp") }
        },
        WrongRuleset("everybody may reach a service of the machine") {
            try $0.changeElements("host-tcp") { elements in
                for index in elements.indices { elements[index].verdict = .goto("host-dns") }
            }
        },
    ]

    private static let docker = [
        WrongRuleset("what no service names is accepted", .docker) {
            try $0.changeRules("unlisted") { rule in if rule.verdict != nil { rule.verdict = .accept } }
        },
        WrongRuleset("what is to be rejected is dropped", .docker) {
            try $0.changeRules("service-web") { rule in if rule.says("nobody else") { rule.verdict = .drop } }
        },
        WrongRuleset("what is to be dropped is rejected") {
            try $0.changeRules("services-monitoring//postgres") { rule in
                if rule.says("nobody else") { rule.expressions[rule.expressions.count - 1] = .reject(.portUnreachable) }
            }
        },
        WrongRuleset("containers at their own addresses are in no map", .docker) {
            try $0.removeRules("to-containers") { $0.looksUp("direct-tcp-v4") }
        },
        WrongRuleset("containers at their own addresses are open", .docker) {
            try $0.removeRules("to-containers") { $0.verdict == .goto("unlisted") }
        },
        WrongRuleset("what docker-proxy serves is taken for the machine's", .docker) {
            try $0.removeRules("to-this-machine") { $0.says("docker-proxy's") }
        },
        WrongRuleset("a service's port is left to whatever has it on other addresses", .docker) {
            try $0.removeRules("to-this-machine") { $0.says("named by a service, but not here") }
        },
    ]
}
