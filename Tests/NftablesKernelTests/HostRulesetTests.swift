import Foundation
import HostRules
import NftablesKernel
import Testing

/// The kernel's rules of everybody, against what nft and iptables list of them.
@Suite(.needsRoot) struct HostRulesetTests {
    static let recorded = [
        "docker/20.10.24-iptables/iptables-save", "docker/26.1.5-iptables/iptables-save",
        "docker/28.5.2-iptables/iptables-save", "docker/29dev-iptables/iptables-save",
        "docker/swarm-ingress/iptables-save",
        "docker/try/iptables-save", "docker/try/ip6tables-save", "docker/29dev-nftables/ruleset.nft",
        "docker/29dev-nftables/every-path.nft", "docker/28.5.2-iptables/every-path.nft",
        "docker/20.10.24-iptables/every-path.nft",
    ]

    @Test(arguments: recorded) func `Every rule that Docker writes is understood`(_ file: String) throws {
        let namespace = try ScratchNamespace()
        try namespace.loadRecorded(file)
        let rules = try namespace.host().rules
        #expect(!rules.isEmpty)
        #expect(rules.flatMap(\.instructions).filter(\.isUnknown) == [])
    }

    @Test(arguments: recorded) func `As many chains and rules are read as nft lists`(_ file: String) throws {
        let namespace = try ScratchNamespace()
        try namespace.loadRecorded(file)
        let ruleset = try namespace.host()
        let listing = try namespace.run("nft -a list ruleset").split(separator: "\n")
        #expect(ruleset.tables.count == listing.count { $0.hasPrefix("table ") })
        #expect(ruleset.tables.flatMap(\.chains).count == listing.count { $0.hasPrefix("\tchain ") })
        let handles = listing.filter { $0.hasPrefix("\t\t") }.compactMap {
            $0.firstMatch(of: #/# handle (\d+)$/#).flatMap { UInt64($0.1) }
        }
        #expect(ruleset.rules.map(\.handle).sorted() == handles.sorted())
    }

    @Test func `A published port is read with the address and port it is sent to`() throws {
        let namespace = try ScratchNamespace()
        try namespace.loadRecorded("docker/28.5.2-iptables/iptables-save")
        let nat = try #require(try namespace.host().table(.ip, "nat"))
        let docker = try #require(nat.chains.first { $0.name == "DOCKER" })
        #expect(
            docker.rules.compactMap(\.instructions.last).suffix(2)
                == [
                    .xtablesTarget(.destinationNAT(address: [172, 17, 0, 2], port: 80)),
                    .xtablesTarget(.destinationNAT(address: [172, 17, 0, 2], port: 80)),
                ])
        let prerouting = try #require(nat.chains.first { $0.name == "PREROUTING" })
        #expect(prerouting.base?.hook == .prerouting)
        #expect(prerouting.base?.priority == -100)
        #expect(prerouting.base?.type == "nat")
        #expect(
            prerouting.rules[0].instructions.filter { $0 != .noEffect("counter") } == [
                .xtables(.addressType(source: 0, sourceInverted: false, destination: 4, destinationInverted: false)),
                .verdict(.jump("DOCKER")),
            ])
    }

    @Test func `Matches of iptables are read as they were written`() throws {
        let namespace = try ScratchNamespace()
        let expected: [(rule: String, instructions: [Instruction])] = [
            (
                "-m conntrack --ctstate RELATED,ESTABLISHED,UNTRACKED",
                [.conntrack { $0.state = .init(70, inverted: false) }]
            ),
            ("-m conntrack ! --ctstate INVALID", [.conntrack { $0.state = .init(1, inverted: true) }]),
            ("-m conntrack --ctstate DNAT", [.conntrack { $0.status = .init(32, inverted: false) }]),
            ("-m conntrack --ctstate NEW,DNAT", [.xtables(.unknown("conntrack --ctstate of NAT and more"))]),
            (
                "-p tcp -m conntrack --ctorigdst 192.0.2.1 ! --ctorigdstport 8000:8080 --ctdir ORIGINAL",
                [
                    .conntrack {
                        $0.originalDestination = .init(
                            .init(address: [192, 0, 2, 1], mask: [255, 255, 255, 255]), inverted: false)
                        $0.originalDestinationPort = .init(8000...8080, inverted: true)
                        $0.isOriginal = .init(true, inverted: false)
                    }
                ]
            ),
            (
                "-m conntrack --ctstatus ASSURED --ctproto 6",
                [
                    .conntrack {
                        $0.status = .init(4, inverted: false)
                        $0.proto = .init(6, inverted: false)
                    }
                ]
            ),
            ("-m state --state NEW", [.conntrack { $0.state = .init(8, inverted: false) }]),
            (
                "-m addrtype ! --src-type LOCAL --dst-type BROADCAST",
                [.xtables(.addressType(source: 4, sourceInverted: true, destination: 8, destinationInverted: false))]
            ),
            ("-m addrtype --dst-type LOCAL --limit-iface-in", [.xtables(.unknown("addrtype"))]),
            (
                "-p tcp -m multiport --dports 80,443,8000:8080",
                [.xtables(.destinationPorts([80...80, 443...443, 8000...8080], inverted: false))]
            ),
            ("-p udp -m multiport ! --sports 53,123", [.xtables(.sourcePorts([53...53, 123...123], inverted: true))]),
            ("-p tcp -m multiport --ports 80", [.xtables(.unknown("multiport"))]),
            (
                "-m iprange ! --src-range 192.0.2.1-192.0.2.9 --dst-range 198.51.100.1-198.51.100.2",
                [
                    .xtables(.sourceRange(from: [192, 0, 2, 1], to: [192, 0, 2, 9], inverted: true)),
                    .xtables(
                        .destinationRange(from: [198, 51, 100, 1], to: [198, 51, 100, 2], inverted: false)),
                ]
            ),
            ("-p sctp --dport 36412", [.xtables(.destinationPorts([36412...36412], inverted: false))]),
            ("-m limit --limit 3/min", [.limit]),
            ("-m recent --set --name x", [.xtables(.unknown("recent"))]),
        ]
        for (rule, instructions) in expected {
            try namespace.run("iptables-nft -F")
            try namespace.run("iptables-nft -A INPUT \(rule) -j DROP")
            let table = try #require(try namespace.host().table(.ip, "filter"))
            let read = table.chains.flatMap(\.rules).flatMap(\.instructions)
            #expect(read.filter(\.isOfXtables) == instructions || read.filter(\.isMatching) == instructions, "\(rule)")
            #expect(read.last == .verdict(.drop))
        }
    }
}

extension ScratchNamespace {
    func host() throws -> HostRuleset {
        var connection = try connect()
        return try connection.readHost()
    }

    /// What was recorded of an engine, in `nft/`.
    func loadRecorded(_ file: String) throws {
        let text = try String(contentsOfFile: "nft/\(file)", encoding: .utf8)
        switch URL(filePath: file).lastPathComponent {
        case "ip6tables-save": try run("ip6tables-nft-restore", input: text)
        case "iptables-save": try run("iptables-nft-restore", input: text)
        default:
            // nft 1.0.6 knows the word in the hook prerouting alone.
            try load(text.replacing("hook output priority dstnat", with: "hook output priority -100"))
        }
    }
}

extension HostRuleset {
    var rules: [HostRule] { tables.flatMap(\.chains).flatMap(\.rules) }

    func table(_ family: HostTable.Family, _ name: String) -> HostTable? {
        tables.first { $0.family == family && $0.name == name }
    }
}

extension Instruction {
    var isUnknown: Bool {
        switch self {
        case .unknown, .xtables(.unknown), .xtablesTarget(.unknown), .loadMeta(Self.unknownKey, _): true
        case .loadMeta, .loadConntrack, .loadPayload, .loadFIB, .loadControlGroup, .loadImmediate, .compare, .range,
            .bitwise, .byteorder,
            .lookup, .lookupValue, .lookupVerdict, .verdict, .destinationNAT, .redirect, .sourceNAT, .reject, .notrack,
            .limit, .noEffect, .xtables, .xtablesTarget:
            false
        }
    }

    var isOfXtables: Bool {
        if case .xtables = self { true } else { false }
    }

    var isMatching: Bool { isOfXtables || self == .limit }

    static func conntrack(_ fill: (inout XtablesConntrack) -> Void) -> Self {
        var match = XtablesConntrack()
        fill(&match)
        return .xtables(.conntrack(match))
    }
}
