internal import Addressing
internal import HostRules

/// A rule of anybody's as a person reads it: close to nft's notation where it has one, and in words where it has none.
struct HostRuleText {
    private var names: [Int: Loaded] = [:]
    private var words: [String] = []

    /// What a register holds.
    private struct Loaded {
        enum Kind {
            case interface
            case address
            case port
            case l4proto
            case family
            case number
            case bytes
        }

        var name: String
        var kind: Kind
        /// A value that is known already, of an immediate.
        var value: [UInt8]?
    }

    static func text(_ rule: HostRule) -> String {
        var writer = Self()
        for instruction in rule.instructions { writer.add(instruction) }
        return writer.words.joined(separator: " ")
    }

    private mutating func add(_ instruction: Instruction) {
        switch instruction {
        case .loadMeta(let key, let register): names[register] = Self.meta(key)
        case .loadConntrack(let key, _, let register):
            names[register] = Loaded(name: Self.conntrack[key] ?? "ct key \(key)", kind: .number)
        case .loadPayload(let base, let offset, let length, let register):
            names[register] = Self.payload(base, offset, length)
        case .loadFIB(_, _, let register): names[register] = Loaded(name: "fib", kind: .number)
        case .loadControlGroup(let level, let register):
            names[register] = Loaded(name: "socket cgroupv2 level \(level)", kind: .number)
        case .loadImmediate(let bytes, let register):
            names[register] = Loaded(name: "", kind: .bytes, value: bytes)
        case .compare(let register, let operation, let bytes): compare(register, operation, bytes)
        case .range(let register, let low, let high, let isInverted):
            let loaded = loaded(register)
            words.append(
                "\(loaded.name)\(isInverted ? " !=" : "") \(Self.text(low, loaded))-\(Self.text(high, loaded))")
        case .bitwise(let register, let mask, _, let into):
            var loaded = loaded(register)
            if loaded.kind == .address { loaded.name += " & \(Self.text(mask, loaded))" }
            names[into] = loaded
        case .byteorder(let register, let into, _, _): names[into] = names[register]
        case .lookup(let set, let register, let isInverted):
            words.append("\(loaded(register).name)\(isInverted ? " !=" : "") @\(set)")
        case .lookupValue(let map, let register, let into):
            names[into] = Loaded(name: "\(loaded(register).name) map @\(map)", kind: .bytes)
        case .lookupVerdict(let map, let register): words.append("\(loaded(register).name) vmap @\(map)")
        case .verdict(let verdict): words.append(Self.text(verdict))
        case .destinationNAT(let address, let port):
            words.append(Self.translation(address.flatMap { names[$0]?.value }, port.flatMap { names[$0]?.value }))
        case .redirect: words.append("redirect")
        case .sourceNAT: words.append("masquerade or snat")
        case .reject: words.append("reject")
        case .notrack: words.append("notrack")
        case .limit: words.append("limit")
        case .noEffect: break
        case .xtables(let match): words.append(Self.text(match))
        case .xtablesTarget(let target): words.append(Self.text(target))
        case .unknown(let what): words.append("(\(what))")
        }
    }

    private func loaded(_ register: Int) -> Loaded { names[register] ?? Loaded(name: "?", kind: .bytes) }

    private mutating func compare(_ register: Int, _ operation: UInt32, _ bytes: [UInt8]) {
        let loaded = loaded(register)
        let sign = ["", " !=", " <", " <=", " >", " >="]
        let index = Int(operation)
        words.append(
            "\(loaded.name)\(sign.indices.contains(index) ? sign[index] : " ?") \(Self.text(bytes, loaded))")
    }

    // MARK: Words

    /// `enum nft_meta_keys`
    private static func meta(_ key: UInt32) -> Loaded {
        switch key {
        case 3: Loaded(name: "meta mark", kind: .number)
        case 4: Loaded(name: "iif", kind: .number)
        case 5: Loaded(name: "oif", kind: .number)
        case 6: Loaded(name: "iifname", kind: .interface)
        case 7: Loaded(name: "oifname", kind: .interface)
        case 15: Loaded(name: "meta nfproto", kind: .family)
        case 16: Loaded(name: "meta l4proto", kind: .l4proto)
        case _: Loaded(name: "meta key \(key)", kind: .bytes)
        }
    }

    /// `enum nft_ct_keys`
    private static var conntrack: [UInt32: String] {
        [
            0: "ct state", 1: "ct direction", 2: "ct status", 3: "ct mark", 8: "ct saddr", 9: "ct daddr",
            11: "ct proto-src",
            12: "ct proto-dst",
        ]
    }

    private static func payload(_ base: UInt32, _ offset: Int, _ length: Int) -> Loaded {
        switch (base, offset, length) {
        case (1, 12, ...4): Loaded(name: "ip saddr", kind: .address)
        case (1, 16, ...4): Loaded(name: "ip daddr", kind: .address)
        case (1, 8, ...16) where length > 4: Loaded(name: "ip6 saddr", kind: .address)
        case (1, 24, _): Loaded(name: "ip6 daddr", kind: .address)
        case (1, 9, 1): Loaded(name: "ip protocol", kind: .l4proto)
        case (1, 6, 1): Loaded(name: "ip6 nexthdr", kind: .l4proto)
        case (2, 0, 2): Loaded(name: "sport", kind: .port)
        case (2, 2, 2): Loaded(name: "dport", kind: .port)
        case (2, 13, 1): Loaded(name: "tcp flags", kind: .bytes)
        case _: Loaded(name: "byte \(offset) of the header", kind: .bytes)
        }
    }

    private static func text(_ bytes: [UInt8], _ loaded: Loaded) -> String {
        switch loaded.kind {
        case .interface:
            let name = String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            return "\"\(name)\(bytes.contains(0) ? "" : "*")\""
        case .address:
            if bytes.count == 4 { return IPv4Address(UInt32(truncatingIfNeeded: number(bytes))).description }
            if bytes.count == 16 { return IPv6Address(number(bytes)).description }
            let whole = bytes + Array(repeating: 0, count: max(4 - bytes.count, 0))
            guard whole.count == 4 else { return hexadecimal(bytes) }
            return "\(IPv4Address(UInt32(truncatingIfNeeded: number(whole))))/\(bytes.count * 8)"
        case .port: return "\(number(bytes))"
        case .l4proto:
            return bytes.first.flatMap { TransportProtocol(rawValue: $0) }?.description ?? "\(number(bytes))"
        case .family: return bytes.first == 2 ? "ipv4" : bytes.first == 10 ? "ipv6" : hexadecimal(bytes)
        // A number of the kernel's own stands in the machine's byte order.
        case .number: return UInt16(1).littleEndian == 1 ? "\(number(bytes.reversed()))" : "\(number(bytes))"
        case .bytes: return hexadecimal(bytes)
        }
    }

    private static func number(_ bytes: [UInt8]) -> UInt128 { bytes.prefix(16).reduce(0) { $0 << 8 | UInt128($1) } }

    private static func hexadecimal(_ bytes: [UInt8]) -> String {
        "0x" + bytes.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
    }

    private static func text(_ verdict: HostVerdict) -> String {
        switch verdict {
        case .accept: "accept"
        case .drop: "drop"
        case .return: "return"
        case .jump(let chain): "jump \(chain)"
        case .goto(let chain): "goto \(chain)"
        case .queue: "queue"
        }
    }

    private static func translation(_ address: [UInt8]?, _ port: [UInt8]?) -> String {
        let place = address.map { text($0, Loaded(name: "", kind: .address)) } ?? ""
        return "dnat to \(place)" + (port.map { ":\(number(Array($0.prefix(2))))" } ?? "")
    }

    private static func text(_ match: XtablesMatch) -> String {
        switch match {
        case .conntrack(let match):
            match.state.map { "-m conntrack \($0.inverted ? "! " : "")--ctstate \(states($0.value))" } ?? "-m conntrack"
        case .addressType: "-m addrtype"
        case .sourcePorts(let ports, let isInverted): "\(isInverted ? "! " : "")--sport \(list(ports))"
        case .destinationPorts(let ports, let isInverted): "\(isInverted ? "! " : "")--dport \(list(ports))"
        case .tcpFlags: "--tcp-flags"
        case .sourceRange: "-m iprange --src-range"
        case .destinationRange: "-m iprange --dst-range"
        case .mark(let value, _, let isInverted): "-m mark \(isInverted ? "! " : "")--mark \(value)"
        case .limit: "-m limit"
        case .always: "-m comment"
        case .unknown(let what): "(\(what))"
        }
    }

    private static func list(_ ports: [ClosedRange<UInt16>]) -> String { ports.map(\.text).joined(separator: ",") }

    /// `XT_CONNTRACK_STATE_*`
    private static func states(_ bits: UInt32) -> String {
        let words: [(bit: UInt32, word: String)] = [
            (1, "INVALID"), (2, "ESTABLISHED"), (4, "RELATED"), (8, "NEW"), (64, "UNTRACKED"),
        ]
        return words.filter { bits & $0.bit != 0 }.map(\.word).joined(separator: ",")
    }

    private static func text(_ target: XtablesTarget) -> String {
        switch target {
        case .destinationNAT(let address, let port):
            "-j DNAT " + translation(address, port.map { [UInt8($0 >> 8), UInt8($0 & 0xff)] }).dropFirst("dnat ".count)
        case .redirect: "-j REDIRECT"
        case .sourceNAT: "-j MASQUERADE or SNAT"
        case .reject: "-j REJECT"
        case .notrack: "-j CT --notrack"
        case .noEffect(let what), .unknown(let what): "-j \(what)"
        }
    }
}
