public import Nftables

/// A rule's expressions in the notation of `nft --debug=netlink`, which is libnftnl's.
public enum ExpressionText {
    /// One line an expression, indented as nft prints it, and its comment's text, if any, on a line of its own.
    public static func text(rule: LinearRule) -> String {
        rule.expressions.map { "  [ \(text(expression: $0)) ]\n" }.joined()
    }

    /// A whole ruleset, chain by chain, rule by rule.
    public static func text(_ ruleset: LinearRuleset) -> String {
        var result = ""
        for chain in ruleset.chains {
            for rule in chain.rules {
                result += "\(Table.family) \(ruleset.table.name) \(chain.name)\n\(text(rule: rule))\n"
            }
        }
        return result
    }

    /// What stands between the brackets.
    public static func text(expression: Expression) -> String {
        switch expression {
        case .meta(let key, let register): "meta load \(key.word) => reg \(register.kernelNumber)"
        case .conntrack(let key, let register):
            "ct load \(key.kernelWord) => reg \(register.kernelNumber)\(key.isOfTuple ? " , dir original" : "")"
        case .payload(let base, let offset, let length, let register):
            "payload load \(length)b @ \(base.word) header + \(offset) => reg \(register.kernelNumber)"
        case .socket(.cgroup(let level), let register):
            "socket load cgroupv2 level \(level) => reg \(register.kernelNumber)"
        case .compare(let register, let comparison, let bytes):
            "cmp \(comparison.word) reg \(register.kernelNumber) \(words(bytes))"
        case .bitwise(let source, let mask, let xor, let target):
            "bitwise reg \(target.kernelNumber) = ( reg \(source.kernelNumber) & \(words(mask)) ) ^ \(words(xor))"
        case .lookup(let set, let register, let inverted):
            "lookup reg \(register.kernelNumber) set \(set)\(inverted ? " 0x1" : "")"
        case .verdictLookup(let map, let register): "lookup reg \(register.kernelNumber) set \(map) dreg 0"
        case .immediate(let verdict): "immediate reg 0 \(verdict.kernelText)"
        case .counter: "counter pkts 0 bytes 0"
        case .objectReference(let kind, let name): "objref type \(kind.rawValue) name \(name)"
        case .log(let prefix, let destination):
            switch destination {
            case .nflog(let group): "log prefix \(prefix) group \(group) snaplen 0 qthreshold 0"
            case .kernel: "log prefix \(prefix)"
            }
        case .reject(.tcpReset): "reject type 1 code 0"
        case .reject(.portUnreachable): "reject type 2 code 1"
        case .opaque(let name, let bytes): "\(name) 0x\(bytes.map(\.twoDigits).joined())"
        }
    }

    /// Words of four bytes, each printed as this machine reads it.
    private static func words(_ bytes: [UInt8]) -> String {
        stride(from: 0, to: bytes.count, by: 4).map { start in
            let word = (0..<4).reduce(UInt32(0)) { word, index in
                start + index < bytes.count ? word | UInt32(bytes[start + index]) << (8 * UInt32(index)) : word
            }
            let digits = String(word.littleEndian, radix: 16)
            return "0x" + String(repeating: "0", count: 8 - digits.count) + digits
        }.joined(separator: " ")
    }
}

extension UInt8 {
    fileprivate var twoDigits: String { (self < 16 ? "0" : "") + String(self, radix: 16) }
}

extension ConntrackKey {
    /// libnftnl's word.
    fileprivate var kernelWord: String {
        switch self {
        case .state: "state"
        case .direction: "direction"
        case .status: "status"
        case .originalIPv4Source: "src_ip"
        case .originalIPv4Destination: "dst_ip"
        case .originalIPv6Source: "src_ip6"
        case .originalIPv6Destination: "dst_ip6"
        case .originalServiceDestination: "proto_dst"
        }
    }
}

extension PayloadBase {
    fileprivate var word: String {
        switch self {
        case .link: "link"
        case .network: "network"
        case .transport: "transport"
        }
    }
}

extension Comparison {
    fileprivate var word: String {
        switch self {
        case .equal: "eq"
        case .notEqual: "neq"
        case .less: "lt"
        case .lessOrEqual: "lte"
        case .greater: "gt"
        case .greaterOrEqual: "gte"
        }
    }
}

extension Verdict {
    fileprivate var kernelText: String {
        switch self {
        case .accept: "accept"
        case .drop: "drop"
        case .return: "return"
        case .jump(let chain): "jump -> \(chain)"
        case .goto(let chain): "goto -> \(chain)"
        }
    }
}
