internal import Addressing
internal import Digest
internal import Nftables

extension SHA256 {
    /// Each case begins with a number of its own, so that no two expressions give the same bytes.
    mutating func add(_ expression: Expression) {
        switch expression {
        case .meta(let key, let register):
            add(1)
            add(key.word)
            add(register.word)
        case .conntrack(let key, let register):
            add(2)
            add(key.word)
            add(register.word)
        case .payload(let base, let offset, let length, let register):
            add(3)
            add(base.rawValue)
            add(offset)
            add(length)
            add(register.word)
        case .compare(let register, let comparison, let bytes):
            add(4)
            add(register.word)
            add(comparison.rawValue)
            add(bytes)
        case .bitwise(let source, let mask, let xor, let destination):
            add(5)
            add(source.word)
            add(mask)
            add(xor)
            add(destination.word)
        case .lookup(let set, let register, let inverted):
            add(6)
            add(set)
            add(register.word)
            add(inverted ? 1 : 0)
        case .verdictLookup(let map, let register):
            add(7)
            add(map)
            add(register.word)
        case .immediate(let verdict):
            add(8)
            add(verdict)
        case .counter:
            add(9)
        case .objectReference(let kind, let name):
            add(10)
            add(kind.rawValue)
            add(name)
        case .log(let prefix, let destination):
            add(11)
            add(prefix)
            switch destination {
            case .nflog(let group): add(Int(group))
            case .kernel: add(-1)
            }
        case .reject(let rejection):
            add(12)
            switch rejection {
            case .tcpReset: add(1)
            case .portUnreachable: add(2)
            }
        case .opaque(let name, let bytes):
            add(13)
            add(name)
            add(bytes)
        case .socket(.cgroup(let level), let register):
            add(14)
            add(Int(level))
            add(register.word)
        }
    }

    mutating func add(_ verdict: Verdict) {
        switch verdict {
        case .accept: add(1)
        case .drop: add(2)
        case .return: add(3)
        case .jump(let chain):
            add(4)
            add(chain)
        case .goto(let chain):
            add(5)
            add(chain)
        }
    }
}

extension MetaKey {
    /// By which it has been in digests ever since: another word is another digest of the same table.
    fileprivate var word: String {
        switch self {
        case .nfproto: "nfproto"
        case .l4proto: "l4proto"
        case .iifname: "iifname"
        case .oifname: "oifname"
        }
    }
}

extension ConntrackKey {
    /// By which it has been in digests ever since: another word is another digest of the same table.
    fileprivate var word: String {
        switch self {
        case .state: "state"
        case .direction: "direction"
        case .status: "status"
        case .originalIPv4Source: "originalIPv4Source"
        case .originalIPv4Destination: "originalIPv4Destination"
        case .originalIPv6Source: "originalIPv6Source"
        case .originalIPv6Destination: "originalIPv6Destination"
        case .originalServiceDestination: "originalServiceDestination"
        }
    }
}
