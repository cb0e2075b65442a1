internal import Addressing
internal import Nftables

/// One family's rules.
///
/// `accept` in our nft table ends our chain and leaves the rest to Docker's; RETURN in iptables leaves one chain alone. So the
/// ruleset's chains reach each other by `-g`, never by `-j`, and RETURN leads out of the whole tree, back to whose chain called
/// ours. What a `jump` comes back to, the rest of the calling chain, is a chain of its own, to which the called one goes at its
/// end. A called chain is thus written once for each rest that it goes on with, and but once where it decides all by itself.
/// By `-j` go only parts of one rule that end in DROP, REJECT or a log.
struct IptablesTranslation {
    struct OutputChain {
        var name: String
        var lines: [String] = []
        /// The chains of ours that it leads to.
        var leadsTo: Set<String> = []
    }

    /// Where a packet goes on.
    enum Exit: Hashable {
        /// Back to the chain that is not ours.
        case leave
        case drop
        case chain(String)

        var target: String {
            switch self {
            case .leave: "-j RETURN"
            case .drop: "-j DROP"
            case .chain(let name): "-g \(name)"
            }
        }
    }

    /// What a chain's `accept` and its end mean to whom called it.
    struct Frame: Hashable {
        var onAccept: Exit
        var onReturn: Exit
    }

    /// A part of a chain, in the frame that it runs in.
    private struct Instance: Hashable {
        var chain: String
        var start: Int
        var frame: Frame
    }

    /// NFT_JUMP_STACK_SIZE, which the kernel holds `-g` to as well, less FORWARD and DOCKER-USER.
    private static let maximumDepth = 14

    let ruleset: Ruleset
    let family: AddressFamily
    let sets: [String: NamedSet]
    let limits: [String: Limit]
    private let sources: [String: Chain]

    private(set) var chains: [OutputChain] = []
    private(set) var limitations: [IptablesLimitation] = []
    private var noted: Set<IptablesLimitation> = []
    private var names: [Instance: String] = [:]
    private var taken: Set<String> = []
    private var numbers: [String: Int] = [:]
    private var waiting: [(instance: Instance, output: Int)] = []
    private var returning: [String: Bool] = [:]

    init(_ ruleset: Ruleset, _ family: AddressFamily) {
        self.ruleset = ruleset
        self.family = family
        sets = Dictionary(ruleset.sets.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        limits = Dictionary(ruleset.limits.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        sources = Dictionary(ruleset.chains.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
    }

    /// Fills `chains`, and says how other people's chains are to reach them.
    mutating func translate() -> [IptablesPresence.Jump] {
        var jumps: [IptablesPresence.Jump] = []
        var hooks = BaseChain.Hook.ofTheStack
        for chain in ruleset.chains {
            if let hook = chain.base?.hook, !hooks.contains(hook) { hooks.append(hook) }
        }
        for hook in hooks {
            let based = ruleset.chains.enumerated()
                .compactMap { index, chain in chain.base.map { (chain: chain, base: $0, index: index) } }
                .filter { $0.base.hook == hook }
                .sorted { ($0.base.priority, $0.index) < ($1.base.priority, $1.index) }
            guard let parent = hook.parentChain else {
                for (chain, _, _) in based {
                    note(
                        chain.name, nil, nil, .leftOut, "DOCKER-USER, INPUT and OUTPUT see nothing of hook \(hook.word)"
                    )
                }
                continue
            }
            // Backwards: what one accepts, the next is to see.
            var next = Exit.leave
            for (chain, base, _) in based.reversed() {
                let end: Exit =
                    switch base.policy {
                    case .accept: next
                    case .drop: .drop
                    }
                next = exit(to: chain.name, 0, Frame(onAccept: next, onReturn: end))
            }
            switch next {
            case .leave: continue
            case .drop:
                let output = newChain(hook.word)
                append(next.target, to: output)
                jumps.append(.init(from: parent, to: chains[output].name))
            case .chain(let name): jumps.append(.init(from: parent, to: name))
            }
        }
        var done = 0
        while done < waiting.count {
            let (instance, output) = waiting[done]
            done += 1
            write(instance, to: output)
        }
        for jump in jumps {
            let depth = depth(of: jump.to)
            if depth > Self.maximumDepth {
                note(
                    jump.to, nil, nil, .leftOut,
                    "its chains stand \(depth) behind each other; the kernel takes \(Self.maximumDepth)")
            }
        }
        return jumps
    }

    private mutating func write(_ instance: Instance, to output: Int) {
        guard let chain = sources[instance.chain] else { return }
        var index = instance.start
        while index < chain.rules.count {
            switch translate(chain.rules[index], index, of: chain, instance.frame, to: output) {
            case .goesOn: index += 1
            case .ends: return
            }
        }
        if instance.frame.onReturn != .leave { append(instance.frame.onReturn.target, to: output) }
    }

    mutating func append(_ line: String, to output: Int) {
        chains[output].lines.append(line)
        if let target = line.split(separator: " ").last, taken.contains(String(target)) {
            chains[output].leadsTo.insert(String(target))
        }
    }

    /// How many chains a packet may see one behind the other, this one with them.
    private func depth(of start: String) -> Int {
        let next = Dictionary(chains.map { ($0.name, $0.leadsTo) }, uniquingKeysWith: { first, _ in first })
        var known: [String: Int] = [:]
        func measure(_ name: String, level: Int) -> Int {
            if let depth = known[name] { return depth }
            // Far too deep already, and not to be counted to the end.
            if level > 20 * Self.maximumDepth { return 1 }
            // The kernel loads no circle, however short.
            known[name] = Self.maximumDepth
            let depth = 1 + (next[name]?.map { measure($0, level: level + 1) }.max() ?? 0)
            known[name] = depth
            return depth
        }
        return measure(start, level: 1)
    }

    mutating func note(
        _ chain: String, _ rule: Int?, _ origin: Origin?, _ effect: IptablesLimitation.Effect, _ reason: String
    ) {
        let limitation = IptablesLimitation(chain: chain, rule: rule, origin: origin, effect: effect, reason: reason)
        if noted.insert(limitation).inserted { limitations.append(limitation) }
    }

    /// The way into a chain from its rule `start` on.
    mutating func exit(to chain: String, _ start: Int, _ frame: Frame) -> Exit {
        guard let source = sources[chain] else {
            note(chain, nil, nil, .leftOut, "there is no chain \(chain)")
            return .leave
        }
        if start >= source.rules.count { return frame.onReturn }
        var frame = frame
        if start == 0, !comesBack(chain) { frame.onReturn = .leave }
        let instance = Instance(chain: chain, start: start, frame: frame)
        if let name = names[instance] { return .chain(name) }
        let output = newChain(chain)
        names[instance] = chains[output].name
        waiting.append((instance, output))
        return .chain(chains[output].name)
    }

    /// A chain named after `source`, in no more letters than iptables has for it.
    mutating func newChain(_ source: String) -> Int {
        let maximum = 28
        let plain = "\(IptablesText.prefix)-\(String(source.map { $0.isASCII && $0 > " " && $0 != "\"" ? $0 : "_" }))"
        var name = plain
        // Names that begin alike are counted together, so that ten thousand of them are not tried one by one.
        let stem = String(plain.prefix(maximum - 7))
        var number = numbers[stem] ?? 1
        while name.utf8.count > maximum || taken.contains(name) {
            number += 1
            let suffix = "~\(number)"
            name = String(plain.prefix(maximum - suffix.utf8.count)) + suffix
        }
        numbers[stem] = number
        taken.insert(name)
        chains.append(OutputChain(name: name))
        return chains.count - 1
    }

    /// Whether a packet may come to the chain's end, or to a `return`. Where that is so of no packet, it matters to nobody what
    /// follows the chain.
    private mutating func comesBack(_ name: String) -> Bool {
        if let known = returning[name] { return known }
        // A chain that goes in a circle comes back for all we know.
        returning[name] = true
        let answer = comesBackAfresh(name)
        returning[name] = answer
        return answer
    }

    private mutating func comesBackAfresh(_ name: String) -> Bool {
        guard let chain = sources[name] else { return true }
        for rule in chain.rules {
            var isCertain = true
            for statement in rule.statements {
                switch statement {
                case .match, .limit: isCertain = false
                case .counter, .log: continue
                case .verdictMap(_, let map):
                    isCertain = false
                    guard let map = sets[map], case .keyed(let elements) = map.elements else { return true }
                    for element in elements {
                        guard let verdict = element.verdict, !comesBack(verdict) else { return true }
                    }
                case .reject: if isCertain { return false }
                case .verdict(.jump): continue
                case .verdict(let verdict):
                    if comesBack(verdict) { return true }
                    if isCertain { return false }
                }
            }
        }
        return true
    }

    private mutating func comesBack(_ verdict: Verdict) -> Bool {
        switch verdict {
        case .accept, .drop, .jump: false
        case .return: true
        case .goto(let chain): comesBack(chain)
        }
    }
}

extension BaseChain.Hook {
    /// The chain of the filter table at whose head ours are called.
    fileprivate var parentChain: String? {
        switch self {
        case .forward: "DOCKER-USER"
        case .input: "INPUT"
        case .output: "OUTPUT"
        case .prerouting, .postrouting, .ingress: nil
        }
    }
}
