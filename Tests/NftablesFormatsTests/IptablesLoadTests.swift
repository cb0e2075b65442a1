import Nftables
import NftablesFormats
import Samples
import Testing

@Suite("iptables-nft loads what we write", .needsNft)
struct IptablesLoadTests {
    private func restore(_ text: IptablesText, in namespace: NetworkNamespace) throws {
        _ = try namespace.run(["iptables-nft-restore", "--noflush"], input: Array(text.ipv4.text.utf8))
        _ = try namespace.run(["ip6tables-nft-restore", "--noflush"], input: Array(text.ipv6.text.utf8))
    }

    private func makeDockerUser(in namespace: NetworkNamespace) throws {
        for tool in ["iptables-nft", "ip6tables-nft"] {
            _ = try namespace.run([tool, "-N", "DOCKER-USER"])
            _ = try namespace.run([tool, "-A", "FORWARD", "-j", "DOCKER-USER"])
            _ = try namespace.run([tool, "-A", "DOCKER-USER", "-i", "theirs0", "-j", "DROP"])
        }
    }

    private func save(_ namespace: NetworkNamespace) throws -> [String] {
        let saved = try ["iptables-nft-save", "ip6tables-nft-save"].map { try namespace.run([$0, "-t", "filter"]) }
        return saved.joined().split(separator: "\n").map(String.init).filter { !$0.hasPrefix("#") }
    }

    @Test("It loads, over itself too; other people's rules stay; an empty ruleset takes all of it away")
    func loads() throws {
        try NetworkNamespace.with { namespace in
            try makeDockerUser(in: namespace)
            let before = try save(namespace)
            var present = (ipv4: IptablesPresence.none, ipv6: IptablesPresence.none)
            for ruleset in [Sample.ruleset, Sample.ruleset] + IptablesTests.nested + [Sample.ruleset] {
                let text = IptablesText(ruleset, replacing: present)
                try restore(text, in: namespace)
                present = (
                    IptablesPresence(saved: try namespace.run(["iptables-nft-save", "-t", "filter"])),
                    IptablesPresence(saved: try namespace.run(["ip6tables-nft-save", "-t", "filter"]))
                )
                #expect(Set(present.ipv4.chains) == Set(text.ipv4.leaves.chains))
                #expect(Set(present.ipv4.jumps) == Set(text.ipv4.leaves.jumps))
                #expect(Set(present.ipv6.chains) == Set(text.ipv6.leaves.chains))
                let saved = try save(namespace)
                #expect(saved.filter { $0.hasPrefix("-A DOCKER-USER") }.count == 4)
                #expect(saved.filter { $0 == "-A DOCKER-USER -i theirs0 -j DROP" }.count == 2)
                #expect(
                    saved.filter { $0.hasPrefix(":\(IptablesText.prefix)") }.count
                        == present.ipv4.chains.count + present.ipv6.chains.count)
                let first = saved.first { $0.hasPrefix("-A DOCKER-USER") }
                #expect(first == "-A DOCKER-USER -j DOCKERNFT-forward")
                for line in text.ipv4.text.split(separator: "\n") where line.hasPrefix("-A") {
                    #expect(saved.filter { $0.hasPrefix("-A \(line.split(separator: " ")[1]) ") }.count > 0)
                }
            }
            let nothing = IptablesText(Ruleset(table: Table(name: "dockernft")), replacing: present)
            try restore(nothing, in: namespace)
            #expect(try save(namespace).filter { $0.contains(IptablesText.prefix) }.isEmpty)
            #expect(try save(namespace).filter { !$0.hasPrefix(":") } == before.filter { !$0.hasPrefix(":") })
        }
    }

    @Test("Every match that we say it takes")
    func everyMatch() throws {
        let rules = (EveryCase.matches + EveryCase.maps).map {
            Rule($0 + [.counter(name: "refused"), .verdict(.drop)])
        }
        let maps = EveryCase.maps.map { Rule($0) }
        let ruleset = IptablesTests.ruleset(maps + rules)
        try NetworkNamespace.with { namespace in
            try makeDockerUser(in: namespace)
            try restore(IptablesText(ruleset), in: namespace)
        }
    }

    @Test("Chains as deep as the kernel takes are written, deeper ones are said to be too deep", arguments: 11...15)
    func depth(count: Int) throws {
        let chains = (1...count).map { number in
            Chain(
                name: "c\(number)",
                rules: [Rule([EveryCase.onTCP, .verdict(number < count ? .jump("c\(number + 1)") : .drop)])])
        }
        let ruleset = Ruleset(
            table: Table(name: "dockernft"),
            chains: [
                Chain(
                    name: "forward", base: BaseChain(hook: .forward, priority: -10, policy: .accept),
                    rules: [Rule([EveryCase.onTCP, .verdict(.jump("c1"))])])
            ] + chains)
        let text = IptablesText(ruleset)
        try NetworkNamespace.with { namespace in
            try makeDockerUser(in: namespace)
            let isLoaded = (try? restore(text, in: namespace)) != nil
            #expect(text.limitations.isEmpty == isLoaded)
            #expect(isLoaded == (count <= 13))
        }
    }
}
