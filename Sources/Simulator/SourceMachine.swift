internal import Addressing
internal import Nftables

/// The register machine of nf_tables with one value left open: the packet's source.
struct SourceMachine<Bits: AddressBits> {
    let approach: Approach
    let sets: [String: IndexedSet]
    private var registers: [Register: Value] = [:]
    private(set) var notUnderstood: String?

    init(approach: Approach, sets: [String: IndexedSet]) {
        self.approach = approach
        self.sets = sets
    }

    private enum Value {
        case bytes([UInt8])
        case source
        case maskedSource([UInt8])
        case unknown
    }

    /// What an expression does to the sources that reach it.
    private enum Step {
        case goOn(IntervalSet<Bits>)
        case decide(Verdict, isFromMap: Bool)
    }

    /// The sources that come through all of the rule's conditions, and the verdict on them.
    mutating func run(
        _ rule: LinearRule, _ sources: IntervalSet<Bits>
    ) -> (matched: IntervalSet<Bits>, verdict: (verdict: Verdict, isFromMap: Bool)?) {
        var matched = sources
        for expression in rule.expressions {
            switch step(expression, matched) {
            case .goOn(let rest):
                if rest.isEmpty { return (rest, nil) }
                matched = rest
            case .decide(let verdict, let isFromMap): return (matched, (verdict, isFromMap))
            }
        }
        return (matched, nil)
    }

    private mutating func step(_ expression: Expression, _ sources: IntervalSet<Bits>) -> Step {
        switch expression {
        case .meta(let key, let register):
            registers[register] = value(of: key)
        case .conntrack(let key, let register):
            guard let value = value(of: key) else { return .goOn(.init()) }
            registers[register] = value
        case .payload(let base, let offset, let length, let register):
            guard let value = payload(base, offset, length) else { return .goOn(.init()) }
            registers[register] = value
        // Whose socket it is for shows when it comes: here it is no control group's.
        case .socket: return .goOn(.init())
        case .compare(let register, let comparison, let bytes):
            return .goOn(compare(registers[register] ?? .unknown, comparison, bytes, sources))
        case .bitwise(let register, let mask, let xor, let into):
            registers[into] = masked(registers[register] ?? .unknown, mask, xor)
        case .lookup(let name, let register, let inverted):
            return .goOn(look(up: name, register, inverted, sources))
        case .verdictLookup(let name, let register):
            guard let verdict = verdict(in: name, register) else { return .goOn(.init()) }
            return .decide(verdict, isFromMap: true)
        case .immediate(let verdict): return .decide(verdict, isFromMap: false)
        case .reject: return .decide(.drop, isFromMap: false)
        case .counter, .objectReference, .log: break
        case .opaque(let name, _):
            notUnderstood = name
            return .goOn(.init())
        }
        return .goOn(sources)
    }

    private func value(of key: MetaKey) -> Value {
        switch key {
        case .nfproto: .bytes([approach.family.nfProto])
        case .l4proto: .bytes([approach.transport.rawValue])
        case .iifname: .bytes(approach.interface.ifname)
        case .oifname: .bytes((approach.outputInterface ?? "").ifname)
        }
    }

    /// Nil where the kernel finds nothing to load, which ends the rule.
    private func value(of key: ConntrackKey) -> Value? {
        switch key {
        case .state: .bytes(ConntrackFlags.State.new.rawValue.hostOrder)
        case .direction: .bytes([Direction.original.rawValue])
        case .status: .bytes((approach.isPublished ? ConntrackFlags.Status.dnat.rawValue : 0).hostOrder)
        case .originalIPv4Source: approach.family == .ipv4 ? .source : nil
        case .originalIPv6Source: approach.family == .ipv6 ? .source : nil
        case .originalIPv4Destination:
            switch approach.address {
            case .v4(let address): .bytes(address.bits.networkOrder)
            case .v6: nil
            case nil: approach.family == .ipv4 ? .bytes(UInt32(1).networkOrder) : nil
            }
        case .originalIPv6Destination:
            switch approach.address {
            case .v6(let address): .bytes(address.bits.networkOrder)
            case .v4: nil
            case nil: approach.family == .ipv6 ? .bytes(UInt128(2).networkOrder) : nil
            }
        case .originalServiceDestination: .bytes(approach.port.networkOrder)
        }
    }

    private func payload(_ base: PayloadBase, _ offset: Int, _ length: Int) -> Value? {
        switch base {
        case .link: return .unknown
        case .network:
            // RFC 791 and RFC 8200: the addresses, first the source.
            switch (approach.family, offset, length) {
            case (.ipv4, 12, 4), (.ipv6, 8, 16): return .source
            case (.ipv4, 16, 4): return value(of: .originalIPv4Destination)
            case (.ipv6, 24, 16): return value(of: .originalIPv6Destination)
            case (.ipv4, _, _), (.ipv6, _, _): return .unknown
            }
        case .transport:
            if approach.transport == .tcp, offset == 13, length == 1 { return .bytes([TCPFlags.syn.rawValue]) }
            // Behind DNAT the port is the container's, which nobody here knows.
            let destination: [UInt8?] =
                approach.isPublished ? [nil, nil] : approach.port.networkOrder.map { $0 }
            let ports = Self.clientPort.networkOrder.map { $0 } + destination
            guard offset + length <= ports.count else { return .unknown }
            let bytes = ports[offset..<offset + length].compactMap { $0 }
            return bytes.count == length ? .bytes(bytes) : .unknown
        }
    }

    /// A port that Linux takes for a client (ip(7), ip_local_port_range), and that no rule is about.
    static var clientPort: UInt16 { 40000 }

    private mutating func compare(
        _ value: Value, _ comparison: Comparison, _ bytes: [UInt8], _ sources: IntervalSet<Bits>
    ) -> IntervalSet<Bits> {
        switch value {
        case .bytes(let actual):
            let head = Array(actual.prefix(bytes.count))
            let isBefore = head.lexicographicallyPrecedes(bytes)
            let holds =
                switch comparison {
                case .equal: head == bytes
                case .notEqual: head != bytes
                case .less: isBefore
                case .lessOrEqual: isBefore || head == bytes
                case .greater: !isBefore && head != bytes
                case .greaterOrEqual: !isBefore
                }
            return holds ? sources : .init()
        case .source:
            return split(sources, by: prefix(bytes, length: bytes.count * 8), comparison)
        case .maskedSource(let mask):
            let ones = mask.reduce(0) { $0 + $1.nonzeroBitCount }
            let leading = (Bits(networkOrder: mask).map { (~$0).leadingZeroBitCount }) ?? -1
            return split(sources, by: ones == leading ? prefix(bytes, length: ones) : nil, comparison)
        case .unknown:
            notUnderstood = "a comparison with what is not known before the packet comes"
            return .init()
        }
    }

    /// The sources whose first bits are these.
    private func prefix(_ bytes: [UInt8], length: Int) -> IntervalSet<Bits>? {
        let filled = bytes + Array(repeating: 0, count: max(Bits.bitWidth / 8 - bytes.count, 0))
        guard let low = Bits(networkOrder: filled) else { return nil }
        let hosts = length == 0 ? Bits.max : length == Bits.bitWidth ? 0 : Bits.max >> length
        return low & hosts == 0 ? IntervalSet([low...(low | hosts)]) : IntervalSet()
    }

    private mutating func split(
        _ sources: IntervalSet<Bits>, by set: IntervalSet<Bits>?, _ comparison: Comparison
    ) -> IntervalSet<Bits> {
        switch (comparison, set) {
        case (.equal, .some(let set)): return sources.intersection(set)
        case (.notEqual, .some(let set)): return sources.subtracting(set)
        case (.equal, nil), (.notEqual, nil), (.less, _), (.lessOrEqual, _), (.greater, _), (.greaterOrEqual, _):
            notUnderstood = "an ordering of sources"
            return .init()
        }
    }

    private func masked(_ value: Value, _ mask: [UInt8], _ xor: [UInt8]) -> Value {
        switch value {
        case .bytes(let bytes) where bytes.count == mask.count:
            .bytes(bytes.indices.map { bytes[$0] & mask[$0] ^ xor[$0] })
        case .source: xor.allSatisfy { $0 == 0 } ? .maskedSource(mask) : .unknown
        case .bytes, .maskedSource, .unknown: .unknown
        }
    }

    private mutating func look(
        up name: String, _ register: Register, _ inverted: Bool, _ sources: IntervalSet<Bits>
    ) -> IntervalSet<Bits> {
        guard let set = sets[name] else {
            notUnderstood = "set \(name)"
            return .init()
        }
        switch registers[register] ?? .unknown {
        case .source:
            guard let members = set.sources(Bits.self) else {
                notUnderstood = "set \(name)"
                return .init()
            }
            return inverted ? sources.subtracting(members) : sources.intersection(members)
        case .bytes, .maskedSource, .unknown:
            guard let fields = fields(of: set, at: register) else {
                notUnderstood = "set \(name)"
                return .init()
            }
            return (set.element(fields) != nil) != inverted ? sources : .init()
        }
    }

    private mutating func verdict(in name: String, _ register: Register) -> Verdict? {
        guard let map = sets[name], let fields = fields(of: map, at: register) else {
            notUnderstood = "map \(name)"
            return nil
        }
        return map.element(fields)?.verdict
    }

    /// The key in the registers, a field for each of the set's types.
    private func fields(of set: IndexedSet, at register: Register) -> [[UInt8]]? {
        var register = register
        var fields: [[UInt8]] = []
        for type in set.key {
            guard case .bytes(let bytes) = registers[register] else { return nil }
            fields.append(bytes)
            register = register.after(bytes: type.length)
        }
        return fields
    }
}
