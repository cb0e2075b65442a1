import Addressing
import Nftables
import Simulator

/// Runs a packet through the text of one family as xtables would. It knows the words that we write and trips over others.
struct IptablesInterpreter {
    private struct Line {
        var chain: String
        var words: [String]
    }

    private var chains: [String: [[String]]] = [:]
    private(set) var trouble: [String] = []

    init(_ text: String) {
        for line in text.split(separator: "\n") {
            var words = Self.words(line)
            switch words.first {
            case "-A": chains[words[1], default: []].append(Array(words.dropFirst(2)))
            case "-I":
                words.removeSubrange(0...0)
                chains[words[0], default: []].insert(Array(words.dropFirst(2)), at: 0)
            case "*filter", "COMMIT", nil: continue
            case let word?:
                if word.hasPrefix(":") { chains[String(word.dropFirst())] = [] } else { trouble.append(String(line)) }
            }
        }
    }

    private static func words(_ line: Substring) -> [String] {
        var words: [String] = []
        var word = ""
        var isQuoted = false
        var isEscaped = false
        for character in line {
            if isEscaped {
                word.append(character)
                isEscaped = false
            } else if character == "\\", isQuoted {
                isEscaped = true
            } else if character == "\"" {
                isQuoted.toggle()
            } else if character == " ", !isQuoted {
                if !word.isEmpty { words.append(word) }
                word = ""
            } else {
                word.append(character)
            }
        }
        return word.isEmpty ? words : words + [word]
    }

    mutating func fate(_ packet: Packet) -> Trace.Fate {
        let start =
            switch packet.hook {
            case .input: "INPUT"
            case .forward: "DOCKER-USER"
            case .output: "OUTPUT"
            case .prerouting, .postrouting, .ingress: ""
            }
        var stack: [(chain: String, next: Int)] = []
        var chain = start
        var index = 0
        while true {
            guard let rules = chains[chain], index < rules.count else {
                guard let back = stack.popLast() else { return .accept }
                (chain, index) = back
                continue
            }
            let rule = rules[index]
            index += 1
            guard let target = target(of: rule, packet) else { continue }
            switch target[...1] {
            case ["-j", "RETURN"]:
                guard let back = stack.popLast() else { return .accept }
                (chain, index) = back
            case ["-j", "DROP"]: return .drop
            case ["-j", "NFLOG"], ["-j", "LOG"]: continue
            case ["-j", "REJECT"]:
                return .reject(target.last == "tcp-reset" ? .tcpReset : .portUnreachable)
            default:
                guard chains[target[1]] != nil else {
                    trouble.append("no chain \(target[1])")
                    return .unknown("")
                }
                if target[0] == "-j" { stack.append((chain, index)) }
                (chain, index) = (target[1], 0)
            }
        }
    }

    /// The rule's target where the packet matches.
    private mutating func target(of rule: [String], _ packet: Packet) -> [String]? {
        var isNegated = false
        var index = 0
        while index < rule.count {
            let word = rule[index]
            switch word {
            case "!": isNegated = true
            case "-j", "-g": return Array(rule[index...])
            case "-m": index += 1
            case "--limit", "--limit-burst", "--comment": index += 1
            default:
                index += 1
                var argument = rule[index]
                if word == "--tcp-flags" {
                    index += 1
                    argument += " " + rule[index]
                }
                guard let holds = matches(word, argument, packet) else {
                    trouble.append("\(word) \(argument)")
                    return nil
                }
                switch holds {
                case .absent: return nil
                case .yes: if isNegated { return nil }
                case .no: if !isNegated { return nil }
                }
                isNegated = false
            }
            index += 1
        }
        trouble.append("no target")
        return nil
    }

    private enum Answer {
        case yes
        case no
        /// What is asked for is not there: neither so nor otherwise.
        case absent

        init(_ holds: Bool) { self = holds ? .yes : .no }
    }

    private func matches(_ option: String, _ argument: String, _ packet: Packet) -> Answer? {
        let entry: ConntrackEntry? = if case .entry(let entry) = packet.conntrack { entry } else { nil }
        switch option {
        case "-p":
            let numbers: [String: UInt8] = ["tcp": 6, "udp": 17, "sctp": 132, "icmp": 1, "ipv6-icmp": 58]
            return Answer(packet.transport.l4proto == numbers[argument] ?? UInt8(argument))
        case "-i": return Answer(Self.interface(argument, packet.iifname))
        case "-o": return Answer(Self.interface(argument, packet.oifname))
        case "-s": return Answer(Self.address(argument, packet.source))
        case "-d": return Answer(Self.address(argument, packet.destination))
        case "--ctstate":
            return Answer(!Set(argument.split(separator: ",").map(String.init)).isDisjoint(with: packet.states))
        case "--ctdir": return entry.map { Answer(($0.direction == .original) == (argument == "ORIGINAL")) } ?? .absent
        case "--ctorigsrc": return entry.map { Answer(Self.address(argument, $0.source)) } ?? .absent
        case "--ctorigdst": return entry.map { Answer(Self.address(argument, $0.destination)) } ?? .absent
        case "--ctorigdstport": return entry.map { Answer(Self.port(argument, $0.serviceDestination)) } ?? .absent
        case "--sport": return packet.transport.ports.map { Answer(Self.port(argument, $0.source)) } ?? .absent
        case "--dport": return packet.transport.ports.map { Answer(Self.port(argument, $0.destination)) } ?? .absent
        case "--icmp-type", "--icmpv6-type":
            switch packet.transport {
            case .icmp(let type, _), .icmpv6(let type, _): return Answer(UInt8(argument) == type)
            case .tcp, .udp, .sctp, .other, .fragment: return .absent
            }
        case "--tcp-flags":
            guard case .tcp(_, _, let flags) = packet.transport else { return .absent }
            let words = argument.split(separator: " ").map(Self.flags)
            return Answer(flags.rawValue & words[0] == words[1])
        default: return nil
        }
    }

    private static func flags(_ text: Substring) -> UInt8 {
        let bits: [Substring: UInt8] = ["FIN": 1, "SYN": 2, "RST": 4, "PSH": 8, "ACK": 16, "URG": 32]
        return text.split(separator: ",").reduce(0) { $0 | (bits[$1] ?? 0) }
    }

    private static func interface(_ pattern: String, _ name: String?) -> Bool {
        pattern.hasSuffix("+") ? (name ?? "").hasPrefix(pattern.dropLast()) : name ?? "" == pattern
    }

    private static func address(_ prefix: String, _ address: IPAddress) -> Bool {
        switch (try? AddressText(prefix), address) {
        case (.v4(let range), .v4(let address)): range.contains(address.bits)
        case (.v6(let range), .v6(let address)): range.contains(address.bits)
        default: false
        }
    }

    private static func port(_ range: String, _ port: UInt16) -> Bool {
        let bounds = range.split(separator: ":").compactMap { UInt16($0) }
        guard let low = bounds.first, let high = bounds.last else { return false }
        return low <= port && port <= high
    }
}

extension TransportHeader {
    fileprivate var ports: (source: UInt16, destination: UInt16)? {
        switch self {
        case .tcp(let source, let destination, _), .udp(let source, let destination),
            .sctp(let source, let destination):
            (source, destination)
        case .icmp, .icmpv6, .other, .fragment: nil
        }
    }
}

extension Packet {
    /// The states that xt_conntrack knows it by.
    fileprivate var states: Set<String> {
        switch conntrack {
        case .invalid: return ["INVALID"]
        case .untracked: return ["UNTRACKED"]
        case .entry(let entry):
            var states: Set<String> =
                switch entry.state {
                case .new: ["NEW"]
                case .established: ["ESTABLISHED"]
                case .related: ["RELATED"]
                }
            if entry.status.contains(.dnat) { states.insert("DNAT") }
            if entry.status.contains(.snat) { states.insert("SNAT") }
            return states
        }
    }
}
