internal import Nftables

/// One packet's way through one base chain: `nft_do_chain`.
struct Walk {
    /// NFT_JUMP_STACK_SIZE of `linux/netfilter/nf_tables.h`.
    static let maximumDepth = 16
    /// The kernel loads no ruleset that goes in a circle; a made-up one shall not hang us.
    static let maximumSteps = 100_000

    let simulation: Simulation
    let packet: Packet
    var steps: [Trace.Step] = []

    init(simulation: Simulation, packet: Packet) {
        self.simulation = simulation
        self.packet = packet
    }

    mutating func run(_ start: LinearChain, _ base: BaseChain) -> Trace.Fate {
        var stack: [(chain: LinearChain, next: Int)] = []
        var chain = start
        var index = 0
        while true {
            guard index < chain.rules.count else {
                if let back = stack.popLast() {
                    (chain, index) = back
                    continue
                }
                return policy(of: start, base)
            }
            guard steps.count < Self.maximumSteps else { return unknown("its chains go in a circle") }
            let rule = chain.rules[index]
            let decision = decide(rule)
            steps.append(Trace.Step(chain: chain.name, place: .rule(index, rule), decision: decision))
            let target: String
            switch decision {
            case .noMatch, .goesOn:
                index += 1
                continue
            case .unknown(let reason): return .unknown(reason)
            case .reject(let rejection): return .reject(rejection)
            case .verdict(.accept): return .accept
            case .verdict(.drop): return .drop
            case .verdict(.return):
                guard let back = stack.popLast() else { return policy(of: start, base) }
                (chain, index) = back
                continue
            case .verdict(.jump(let name)):
                guard stack.count < Self.maximumDepth else { return .drop }
                stack.append((chain, index + 1))
                target = name
            case .verdict(.goto(let name)): target = name
            }
            guard let next = simulation.chains[target] else { return unknown("there is no chain \(target)") }
            chain = next
            index = 0
        }
    }

    private mutating func policy(of chain: LinearChain, _ base: BaseChain) -> Trace.Fate {
        switch base.policy {
        case .accept:
            steps.append(Trace.Step(chain: chain.name, place: .policy, decision: .verdict(.accept)))
            return .accept
        case .drop:
            steps.append(Trace.Step(chain: chain.name, place: .policy, decision: .verdict(.drop)))
            return .drop
        }
    }

    private mutating func unknown(_ reason: String) -> Trace.Fate {
        if !steps.isEmpty { steps[steps.count - 1].decision = .unknown(reason) }
        return .unknown(reason)
    }

    /// A rule's expressions one after the other, until one does not match or decides.
    private func decide(_ rule: LinearRule) -> Trace.Decision {
        var registers = Registers()
        for (index, expression) in rule.expressions.enumerated() {
            switch evaluate(expression, &registers) {
            case .goesOn: continue
            case .breaks: return .noMatch(at: index)
            case .decides(let decision): return decision
            }
        }
        return .goesOn
    }
}
