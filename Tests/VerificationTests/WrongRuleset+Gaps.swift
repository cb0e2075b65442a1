import Addressing
import Nftables

/// What lies between the ends of what a policy names, and far from all of it.
extension WrongRuleset {
    static let gaps = addresses + strayPorts + interfaces + unusual

    private static let addresses = [
        WrongRuleset("a network has a hole around its middle") {
            try $0.setAddresses("sources-service-ports-v4", "203.0.113.0-203.0.113.28", "203.0.113.36-203.0.113.63")
        },
        WrongRuleset("a network has a hole away from its middle") {
            try $0.setAddresses("sources-service-ports-v4", "203.0.113.0-203.0.113.35", "203.0.113.60-203.0.113.63")
        },
        WrongRuleset("an IPv6 network has a hole") {
            try $0.setAddresses(
                "group-partners-v6", "2001:db8:20:1::/66", "2001:db8:20:1:c000::/66")
        },
        WrongRuleset("half of the old internet is let in") {
            try $0.setAddresses("sources-service-ports-v4", "203.0.113.0/26", "0.0.0.0/1")
        },
        WrongRuleset("a network between two others is let in") {
            try $0.setAddresses(
                "group-office-v4", "203.0.113.0/26", "203.0.113.120-203.0.113.150", "203.0.113.200-203.0.113.210")
        },
        WrongRuleset("all that IPv6 has given out is let in") {
            try $0.setAddresses("sources-service-more-v6", "2000::/3")
        },
        WrongRuleset("private addresses are trusted") {
            try $0.insertRule(
                "published",
                .init([
                    .payload(.network, offset: 12, length: 1, into: .first), .compare(.first, .equal, [10]),
                    .immediate(.accept),
                ]))
        },
        WrongRuleset("private addresses are trusted over IPv6") {
            try $0.insertRule(
                "published",
                .init([
                    .meta(.nfproto, into: .first), .compare(.first, .equal, [10]),
                    .payload(.network, offset: 8, length: 1, into: .first), .compare(.first, .equal, [0xfd]),
                    .immediate(.accept),
                ]))
        },
    ]

    private static let strayPorts = [
        WrongRuleset("a port within a range is in no map") {
            try $0.movePorts("published-tcp", 7000...7003, to: 7000...7000)
        },
        WrongRuleset("a range of ports that nobody names leads to a service") {
            try $0.changeElements("published-tcp") { elements in
                elements.append(Element(key: [.service(9000...19_999)], verdict: .goto("services-monitoring//site")))
            }
        },
        WrongRuleset("a host service has ports that it does not name") {
            try $0.changeElements("host-tcp") { elements in
                elements.append(Element(key: [.service(9000...19_999)], verdict: .goto("host-dns")))
            }
        },
    ]

    private static let interfaces = [
        WrongRuleset("a wildcard of bridges is one letter short") {
            try $0.changeElements("internal") { elements in
                for index in elements.indices where elements[index].key == [key("br-*")] {
                    elements[index].key = [key("br*")]
                }
            }
        },
        WrongRuleset("a bridge has become a wildcard") {
            try $0.changeElements("internal") { elements in
                for index in elements.indices where elements[index].key == [key("docker0")] {
                    elements[index].key = [key("docker*")]
                }
                elements.removeAll { $0.key == [key("docker_gwbridge")] }
            }
        },
        WrongRuleset("a tunnel is trusted") {
            try $0.changeElements("internal") { $0.append(Element(key: [key("wg*")])) }
        },
        WrongRuleset("a second network card is trusted") {
            try $0.changeElements("internal") { $0.append(Element(key: [key("eth*")])) }
        },
        WrongRuleset("an interface that is not external is judged", .listed) {
            try $0.changeElements("external") { $0.append(Element(key: [key("eth*")])) }
        },
        WrongRuleset("an external interface is in no set", .listed) {
            try $0.changeElements("external") { $0.removeAll { $0.key == [key("ens4")] } }
        },
    ]

    private static func accepting(_ conditions: Expression...) -> LinearRule {
        LinearRule(conditions + [.immediate(.accept)])
    }

    private static let unusual = [
        WrongRuleset("what comes from the port of name servers is let in") {
            try $0.insertRule(
                "published",
                accepting(
                    .meta(.l4proto, into: .first), .compare(.first, .equal, [17]),
                    .payload(.transport, offset: 0, length: 2, into: .first), .compare(.first, .equal, [0, 53])))
        },
        WrongRuleset("what comes from ports of servers is let in to the machine") {
            try $0.insertRule(
                "input",
                accepting(
                    .meta(.l4proto, into: .first), .compare(.first, .equal, [6]),
                    .payload(.transport, offset: 0, length: 2, into: .first), .compare(.first, .less, [4, 0])))
        },
        WrongRuleset("segments that open nothing are let in") {
            try $0.insertRule(
                "from-outside",
                accepting(
                    .meta(.l4proto, into: .first), .compare(.first, .equal, [6]),
                    .payload(.transport, offset: 13, length: 1, into: .first),
                    .bitwise(.first, mask: [2], xor: [0], into: .first), .compare(.first, .equal, [0])))
        },
        WrongRuleset("SCTP is let in") {
            try $0.insertRule(
                "forward", accepting(.meta(.l4proto, into: .first), .compare(.first, .equal, [132])))
        },
    ]
}
