internal import Addressing
public import Nftables

/// The DOCKER-USER form: a pair of inputs for `iptables-restore --noflush`, one a family, that load in one transaction each.
///
/// What the ruleset's chains do with a forwarded packet is reached by one jump at the head of DOCKER-USER, what they do with
/// the host's own by one at the head of INPUT or OUTPUT. All else in those chains stays as it is.
public struct IptablesText: Sendable, Equatable {
    /// The beginning of the name of every chain that is ours.
    public static let prefix = "DOCKERNFT"

    /// One family's input, and what will be there once it is loaded.
    public struct File: Sendable, Equatable {
        public var text: String
        public var leaves: IptablesPresence
    }

    public var ipv4: File
    public var ipv6: File
    /// What the text says otherwise than the ruleset, or not at all. With a rule left out, it is not to be loaded.
    public var limitations: [IptablesLimitation]

    /// `present` is what an earlier text left in each family. An empty ruleset takes all of it away.
    public init(
        _ ruleset: Ruleset, replacing present: (ipv4: IptablesPresence, ipv6: IptablesPresence) = (.none, .none)
    ) {
        var limitations: [IptablesLimitation] = []
        ipv4 = Self.file(ruleset, .ipv4, present.ipv4, &limitations)
        ipv6 = Self.file(ruleset, .ipv6, present.ipv6, &limitations)
        self.limitations = limitations
    }

    private static func file(
        _ ruleset: Ruleset, _ family: AddressFamily, _ present: IptablesPresence,
        _ limitations: inout [IptablesLimitation]
    ) -> File {
        var translation = IptablesTranslation(ruleset, family)
        let jumps = translation.translate()
        let known = Set(limitations)
        limitations += translation.limitations.filter { !known.contains($0) }
        let ours = translation.chains.map(\.name)
        let stale = present.chains.filter { !ours.contains($0) }
        var buffer = TextBuffer()
        buffer.append("*filter\n")
        // To declare a chain empties it.
        for name in ours + stale { buffer.append(":\(name) - [0:0]\n") }
        for jump in present.jumps { buffer.append("-D \(jump.from) -j \(jump.to)\n") }
        for jump in jumps { buffer.append("-I \(jump.from) 1 -j \(jump.to)\n") }
        for chain in translation.chains {
            for line in chain.lines { buffer.append("-A \(chain.name) \(line)\n") }
        }
        for name in stale { buffer.append("-X \(name)\n") }
        buffer.append("COMMIT\n")
        return File(text: buffer.text, leaves: IptablesPresence(chains: ours, jumps: jumps))
    }
}

/// What of ours one family's filter table holds.
public struct IptablesPresence: Hashable, Sendable {
    public struct Jump: Hashable, Sendable {
        public var from: String
        public var to: String

        public init(from: String, to: String) {
            self.from = from
            self.to = to
        }
    }

    public var chains: [String]
    public var jumps: [Jump]

    public init(chains: [String], jumps: [Jump]) {
        self.chains = chains
        self.jumps = jumps
    }

    public static let none = Self(chains: [], jumps: [])

    /// What `iptables-save -t filter` shows of ours.
    public init(saved: String) {
        self = .none
        for line in saved.split(separator: "\n") {
            let words = line.split(separator: " ").map(String.init)
            if let chain = words.first, chain.hasPrefix(":" + IptablesText.prefix) {
                chains.append(String(chain.dropFirst()))
            } else if words.count == 4, words[0] == "-A", words[2] == "-j", words[3].hasPrefix(IptablesText.prefix),
                !words[1].hasPrefix(IptablesText.prefix)
            {
                jumps.append(Jump(from: words[1], to: words[3]))
            }
        }
    }
}

/// Something that iptables has no words for.
public struct IptablesLimitation: Hashable, Sendable {
    public enum Effect: Hashable, Sendable {
        /// The rule is not in the text, which therefore decides otherwise.
        case leftOut
        /// It decides the same, but logs or limits somewhat otherwise.
        case approximated
    }

    public var chain: String
    /// Counted from 0; `nil` where it is the chain itself.
    public var rule: Int?
    public var origin: Origin?
    public var effect: Effect
    public var reason: String
}
