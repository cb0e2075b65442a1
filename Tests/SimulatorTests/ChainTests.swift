import Addressing
import Nftables
import Simulator
import Testing

@Suite("Chains are walked as the kernel walks them")
struct ChainTests {
    let packet = Packet.toHost(
        .tcp, from: Endpoint(v4(0xcb00_7105), 40000), to: Endpoint(v4(0xc000_0201), 80), iifname: "eth0")
    let base = BaseChain(hook: .input, priority: 0, policy: .accept)

    func trace(_ chains: [Chain], sets: [NamedSet] = []) -> Trace {
        Simulation(
            Ruleset(
                table: Table(name: "t"), counters: [Counter(name: "c")],
                limits: [Limit(name: "l", rate: 1, unit: .second)], sets: sets, chains: chains
            ).linearized()
        ).trace(packet)
    }

    /// `chain index decision`, a line a step.
    func lines(_ trace: Trace) -> [String] {
        trace.steps.map { step in
            switch step.place {
            case .rule(let index, _): "\(step.chain) \(index) \(step.decision)"
            case .policy: "\(step.chain) policy \(step.decision)"
            }
        }
    }

    @Test("jump comes back behind itself, goto does not")
    func jumpAndGoto() {
        let trace = trace([
            Chain(
                name: "input", base: base,
                rules: [Rule([.verdict(.jump("a"))]), Rule([.counter(name: "c"), .limit(name: "l")])]),
            Chain(name: "a", rules: [Rule([.verdict(.goto("b"))]), Rule([.verdict(.drop)])]),
            Chain(
                name: "b",
                rules: [Rule([.log(prefix: "x", .kernel)]), Rule([.verdict(.return)]), Rule([.verdict(.drop)])]),
        ])
        #expect(trace.fate == .accept)
        #expect(
            lines(trace) == [
                "input 0 verdict(Nftables.Verdict.jump(\"a\"))", "a 0 verdict(Nftables.Verdict.goto(\"b\"))",
                "b 0 goesOn", "b 1 verdict(Nftables.Verdict.return)", "input 1 goesOn",
                "input policy verdict(Nftables.Verdict.accept)",
            ])
    }

    @Test("return from a base chain, and the end of a chain gone to from it, are its policy")
    func policies() {
        let strict = BaseChain(hook: .input, priority: 0, policy: .drop)
        #expect(
            trace([Chain(name: "i", base: strict, rules: [Rule([.verdict(.return)]), Rule([.verdict(.accept)])])]).fate
                == .drop)
        #expect(
            trace([
                Chain(name: "i", base: strict, rules: [Rule([.verdict(.goto("a"))]), Rule([.verdict(.accept)])]),
                Chain(name: "a"),
            ]).fate == .drop)
        #expect(trace([Chain(name: "i", base: strict)]).lastRule == nil)
    }

    @Test("The stack holds sixteen jumps; one more drops the packet")
    func depth() {
        for (depth, fate) in [(16, Trace.Fate.accept), (17, .drop)] {
            var chains = [Chain(name: "input", base: base, rules: [Rule([.verdict(.jump("c1"))])])]
            for level in 1...depth {
                chains.append(Chain(name: "c\(level)", rules: [Rule([.verdict(.jump("c\(level + 1)"))])]))
            }
            chains[depth].rules = [Rule([.verdict(.accept)])]
            #expect(trace(chains).fate == fate)
        }
    }

    @Test("The lowest priority comes first; accept hands on to the next, drop and reject end it")
    func priorities() {
        let late = BaseChain(hook: .input, priority: 5, policy: .accept)
        let elsewhere = BaseChain(hook: .forward, priority: -20, policy: .drop)
        let chains = { (first: Statement) in
            [
                Chain(name: "late", base: late, rules: [Rule([.verdict(.drop)])]), Chain(name: "fwd", base: elsewhere),
                Chain(name: "first", base: base, rules: [Rule([first])]),
            ]
        }
        #expect(trace(chains(.verdict(.accept))).steps.map(\.chain) == ["first", "late"])
        #expect(trace(chains(.verdict(.accept))).fate == .drop)
        #expect(trace(chains(.reject(.portUnreachable))).steps.map(\.chain) == ["first"])
        #expect(trace(chains(.reject(.portUnreachable))).fate == .reject(.portUnreachable))
    }

    @Test("A verdict map decides for what it holds and passes over the rest")
    func verdictMaps() {
        let map = NamedSet(
            name: "m", key: [.ipv4Address, .inetService], isMap: true,
            elements: .keyed([
                Element(key: [.ipv4(0xc000_0200...0xc000_02ff), .service(79...81)], verdict: .jump("a")),
                Element(key: [.ipv4(0...UInt32.max), .service(0...65535)], verdict: .drop),
            ]))
        let rule = Rule([
            .match(.meta(.l4proto), .equals(.l4proto(.tcp))),
            .verdictMap([.conntrack(.originalIPv4Destination), .conntrack(.originalServiceDestination)], map: "m"),
        ])
        let chains = [
            Chain(name: "i", base: base, rules: [rule]), Chain(name: "a", rules: [Rule([.reject(.tcpReset)])]),
        ]
        #expect(trace(chains, sets: [map]).fate == .reject(.tcpReset))
        var empty = map
        empty.elements = .keyed([])
        #expect(trace(chains, sets: [empty]).fate == .accept)
        var second = map
        second.elements = .keyed([Element(key: [.ipv4(0...UInt32.max), .service(0...65535)], verdict: .drop)])
        #expect(trace(chains, sets: [second]).fate == .drop)
    }

    @Test("Chains that go in a circle are unknown, not for ever")
    func circles() {
        let trace = trace([
            Chain(name: "i", base: base, rules: [Rule([.verdict(.goto("a"))])]),
            Chain(name: "a", rules: [Rule([.verdict(.jump("b"))]), Rule([.verdict(.goto("a"))])]), Chain(name: "b"),
        ])
        #expect(trace.fate == .unknown("its chains go in a circle"))
    }
}
