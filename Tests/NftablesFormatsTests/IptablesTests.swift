import Addressing
import Nftables
import NftablesFormats
import Samples
import Simulator
import Testing

@Suite("The DOCKER-USER form decides as the ruleset does")
struct IptablesTests {
    @Test("The sample's packets meet the same fate", arguments: [BaseChain.Hook.forward, .input, .output])
    func sample(hook: BaseChain.Hook) {
        let text = IptablesText(Sample.ruleset)
        #expect(text.limitations.allSatisfy { $0.effect == .approximated })
        let packets = PacketProduct.packets(hook: hook).enumerated().filter { $0.offset % 5 == 0 }.map(\.element)
        expectSameFates(Sample.ruleset, text, packets)
    }

    @Test("Every match that iptables can say says the same")
    func everyMatch() {
        let packets = PacketProduct.packets(hook: .forward).enumerated().filter { $0.offset % 97 == 0 }.map(\.element)
        var leftOut: [String] = []
        for statements in EveryCase.matches + EveryCase.maps {
            let ruleset = Self.ruleset([Rule(statements + (statements.endsInMap ? [] : [.verdict(.drop)]))])
            let text = IptablesText(ruleset)
            if text.limitations.isEmpty {
                expectSameFates(ruleset, text, packets)
            } else {
                leftOut.append(statements.map { NftText.text(statement: $0) }.joined(separator: " "))
            }
        }
        #expect(
            leftOut == [
                "tcp flags == syn", "tcp flags == 0x12", "tcp flags != syn", "tcp flags != 0x12", "icmp type 255",
                "icmp type 0-255", "icmpv6 type 255", "icmpv6 type 0-255",
            ])
    }

    @Test("Rules of several sets, logs and limits, in chains that come back, say the same", arguments: [0, 1, 2])
    func nested(seed: Int) {
        let packets = PacketProduct.packets(hook: .forward).enumerated().filter { $0.offset % 41 == seed }.map(
            \.element)
        for ruleset in Self.nested {
            let text = IptablesText(ruleset)
            #expect(text.limitations.allSatisfy { $0.effect == .approximated })
            expectSameFates(ruleset, text, packets)
        }
        // Chains too deep for the kernel decide right all the same.
        let all = Self.ruleset(Self.nestedRules, more: Self.nestedChains)
        #expect(IptablesText(all).limitations.contains { $0.effect == .leftOut && $0.chain == "DOCKERNFT-forward" })
        expectSameFates(all, IptablesText(all), packets)
    }

    @Test("Several base chains follow each other, and a policy drops")
    func baseChains() {
        for (first, second) in [(BaseChain.Policy.accept, BaseChain.Policy.drop), (.accept, .accept), (.drop, .accept)]
        {
            var ruleset = Self.ruleset([])
            ruleset.chains = [
                Chain(
                    name: "late", base: BaseChain(hook: .forward, priority: 5, policy: second),
                    rules: [
                        Rule([.match(.conntrack(.state), .anyOf(.state(.new))), .verdict(.accept)]),
                        Rule([.match(.meta(.iifname), .inSet("interfaces")), .verdict(.drop)]),
                    ]),
                Chain(
                    name: "early", base: BaseChain(hook: .forward, priority: -5, policy: first),
                    rules: [
                        Rule([EveryCase.onTCP, .verdict(.jump("inner"))]),
                        Rule([.match(.meta(.oifname), .inSet("wildcards")), .verdict(.return)]),
                        Rule([.match(.meta(.iifname), .inSet("interfaces")), .verdict(.accept)]),
                    ]),
                Chain(
                    name: "inner", rules: [Rule([.match(.meta(.iifname), .notInSet("wildcards")), .verdict(.accept)])]),
                Chain(name: "out", base: BaseChain(hook: .output, priority: 0, policy: .drop)),
                Chain(name: "raw", base: BaseChain(hook: .prerouting, priority: 0, policy: .drop)),
            ]
            let text = IptablesText(ruleset)
            #expect(text.limitations.map(\.chain) == ["raw"])
            let packets = PacketProduct.packets(hook: .forward).enumerated().filter { $0.offset % 29 == 0 }.map(
                \.element)
            expectSameFates(ruleset, text, packets)
            expectSameFates(ruleset, text, Array(PacketProduct.packets(hook: .output).prefix(100)))
        }
    }

    @Test("Chains have names of 28 letters at most, each its own")
    func names() {
        let text = IptablesText(Self.ruleset(Self.nestedRules, more: Self.nestedChains))
        for file in [text.ipv4, text.ipv6] {
            #expect(file.leaves.chains.allSatisfy { $0.utf8.count <= 28 && $0.hasPrefix(IptablesText.prefix) })
            #expect(Set(file.leaves.chains).count == file.leaves.chains.count)
        }
    }

    func expectSameFates(_ ruleset: Ruleset, _ text: IptablesText, _ packets: [Packet]) {
        let simulation = Simulation(ruleset.linearized())
        var ipv4 = IptablesInterpreter(text.ipv4.text)
        var ipv6 = IptablesInterpreter(text.ipv6.text)
        var different = 0
        for packet in packets {
            let fate = packet.family == .ipv4 ? ipv4.fate(packet) : ipv6.fate(packet)
            let wanted = simulation.trace(packet).fate
            // A packet of a protocol that we do not know the header of has one for the simulation to stumble over.
            if case .unknown = wanted { continue }
            // nft resets what is TCP and drops the rest; the simulation calls both a reset.
            let isSame =
                fate == wanted || wanted == .reject(.tcpReset) && fate == .drop && packet.transport.l4proto != 6
            if isSame { continue }
            different += 1
            if different < 4 {
                #expect(fate == wanted, "\(packet)\n\(packet.family == .ipv4 ? text.ipv4.text : text.ipv6.text)")
            }
        }
        #expect(different == 0)
        #expect(ipv4.trouble.isEmpty && ipv6.trouble.isEmpty, "\(ipv4.trouble.prefix(3)) \(ipv6.trouble.prefix(3))")
    }

    static func ruleset(_ rules: [Rule], more: [Chain] = []) -> Ruleset {
        Ruleset(
            table: Table(name: "dockernft"), counters: [Counter(name: "refused")],
            limits: [Limit(name: "l", rate: 10, unit: .minute, burst: 7)], sets: EveryCase.sets,
            chains: [
                Chain(name: "forward", base: BaseChain(hook: .forward, priority: -10, policy: .accept), rules: rules)
            ] + EveryCase.oddNames.map { Chain(name: $0, rules: [Rule([.verdict(.return)])]) } + more)
    }

    static var nested: [Ruleset] {
        [nestedRules[..<3], nestedRules[3..<5], nestedRules[5..<6], nestedRules[6...]].map {
            ruleset(Array($0), more: nestedChains)
        }
    }

    static let nestedRules: [Rule] = [
        Rule([.match(.meta(.iifname), .inSet("interfaces")), .verdict(.jump("outer"))]),
        Rule([
            .match(.conntrack(.originalIPv4Source), .notInSet("v4-hash")),
            .match(.conntrack(.originalIPv4Source), .inSet("v4")), .match(.meta(.oifname), .notInSet("wildcards")),
            .match(.meta(.iifname), .inSet("interfaces")), .limit(name: "l"), .log(prefix: "a \"b\" \\", .kernel),
            .counter(name: "refused"), .verdict(.drop),
        ]),
        Rule([.match(.conntrack(.originalIPv6Source), .notInSet("v6")), .reject(.tcpReset)], comment: "not \"v6\" \\"),
        Rule([.match(.meta(.l4proto), .notInSet("protocols")), EveryCase.onTCP, .reject(.portUnreachable)]),
        Rule([.match(.header(.destinationPort(.tcp)), .notInSet("ports")), .verdict(.jump("outer"))]),
        Rule([
            .match(.meta(.iifname), .inSet("wildcards")),
            .verdictMap([.header(.destinationPort(.udp))], map: "on-ports"),
        ]),
        Rule([.log(prefix: String(repeating: "long ", count: 30), .nflog(group: 4)), .verdict(.goto("outer"))]),
        Rule([.verdict(.drop)]),
    ]

    static let nestedChains: [Chain] = [
        Chain(
            name: "outer",
            rules: [
                Rule([EveryCase.onTCP, .verdict(.jump("middle"))]),
                Rule([.match(.conntrack(.status), .anyOf(.status(.snat))), .verdict(.return)]),
                Rule([
                    .match(.conntrack(.originalIPv4Destination), .prefix4(0x7f00_0000, length: 8)), .verdict(.drop),
                ]),
                Rule([.match(.conntrack(.direction), .notEquals(.direction(.original))), .verdict(.goto("middle"))]),
            ]),
        Chain(
            name: "middle",
            rules: [
                Rule([.match(.conntrack(.state), .anyOf(.state(.related))), .verdict(.accept)]),
                Rule([
                    .match(.meta(.oifname), .inSet("wildcards")), .match(.meta(.iifname), .notInSet("interfaces")),
                    .verdict(.goto("x")),
                ]),
                Rule([.match(.conntrack(.state), .anyOf(.state([.invalid, .untracked]))), .verdict(.drop)]),
            ]),
    ]
}

extension [Statement] {
    fileprivate var endsInMap: Bool { if case .verdictMap = last { true } else { false } }
}
