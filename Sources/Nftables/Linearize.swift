internal import Addressing

extension Rule {
    /// The one way from statements to expressions. It writes what nft writes for the same text, so that both list alike.
    public func linearized() -> LinearRule {
        var linear = Linearization()
        let joined = joinedPorts
        for (index, statement) in statements.enumerated() {
            if let pair = joined.first(where: { $0.source == index }) {
                linear.append(pair)
            } else if let pair = joined.first(where: { $0.destination == index }) {
                linear.require(.transport(L4Protocol(pair.transport)))
            } else {
                linear.append(statement)
            }
        }
        return LinearRule(linear.expressions, comment: comment, origin: origin)
    }
}

private struct Linearization {
    var expressions: [Expression] = []
    /// What the rule has already established about the packet, so that no condition is written twice.
    private var family: AddressFamily?
    private var l4proto: L4Protocol?

    mutating func append(_ statement: Statement) {
        switch statement {
        case .match(let key, let relation): match(key, relation)
        case .verdictMap(let keys, let map):
            // First what the packet must be, for that is found out in the register that the key's first field takes.
            for key in keys { require(key) }
            var register = Register.first
            for key in keys {
                load(key, length: key.length, into: register)
                register = register.after(bytes: key.length)
            }
            expressions.append(.verdictLookup(map: map, .first))
        case .counter(let name): expressions.append(.objectReference(.counter, name: name))
        case .limit(let name): expressions.append(.objectReference(.limit, name: name))
        case .log(let prefix, let destination): expressions.append(.log(prefix: prefix, destination))
        case .reject(let rejection): expressions.append(.reject(rejection))
        case .verdict(let verdict): expressions.append(.immediate(verdict))
        }
    }

    private mutating func match(_ key: Key, _ relation: Relation) {
        switch relation {
        case .equals(let value):
            load(key, length: key.length, into: .first)
            expressions.append(.compare(.first, .equal, value.bytes))
            if case .family(let family) = value { self.family = family }
            if case .l4proto(let l4proto) = value { self.l4proto = l4proto }
        case .notEquals(let value):
            load(key, length: key.length, into: .first)
            expressions.append(.compare(.first, .notEqual, value.bytes))
        case .inSet(let name):
            load(key, length: key.length, into: .first)
            expressions.append(.lookup(set: name, .first, inverted: false))
        case .notInSet(let name):
            load(key, length: key.length, into: .first)
            expressions.append(.lookup(set: name, .first, inverted: true))
        case .anyOf(let flags):
            load(key, length: key.length, into: .first)
            expressions.append(
                .bitwise(.first, mask: flags.rawValue.hostOrder, xor: [0, 0, 0, 0], into: .first))
            expressions.append(.compare(.first, .notEqual, [0, 0, 0, 0]))
        case .flagsDiffer(let flags, let mask):
            load(key, length: key.length, into: .first)
            expressions.append(.bitwise(.first, mask: [mask.rawValue], xor: [0], into: .first))
            expressions.append(.compare(.first, .notEqual, [flags.rawValue]))
        case .prefix4(let address, let length): prefix(key, address.networkOrder, length: length)
        case .prefix6(let address, let length): prefix(key, address.networkOrder, length: length)
        case .range(let low, let high):
            load(key, length: key.length, into: .first)
            expressions.append(.compare(.first, .greaterOrEqual, [low]))
            expressions.append(.compare(.first, .lessOrEqual, [high]))
        }
    }

    /// A prefix that ends with a byte is compared that far; any other is masked first.
    private mutating func prefix(_ key: Key, _ address: [UInt8], length: Int) {
        if length % 8 == 0, length > 0 {
            let bytes = Array(address.prefix(length / 8))
            let isHeader = if case .header = key { true } else { false }
            load(key, length: isHeader ? bytes.count : key.length, into: .first)
            expressions.append(.compare(.first, .equal, bytes))
        } else {
            let mask = address.indices.map { index in
                let bits = min(max(length - 8 * index, 0), 8)
                return UInt8(truncatingIfNeeded: 0xff00 >> bits)
            }
            load(key, length: key.length, into: .first)
            expressions.append(
                .bitwise(.first, mask: mask, xor: Array(repeating: 0, count: mask.count), into: .first))
            expressions.append(.compare(.first, .equal, address))
        }
    }

    private mutating func load(_ key: Key, length: Int, into register: Register) {
        switch key {
        case .meta(let key): expressions.append(.meta(key, into: register))
        case .conntrack(let key): expressions.append(.conntrack(key, into: register))
        case .socket(let key): expressions.append(.socket(key, into: register))
        case .header(let field):
            require(key)
            let place = field.place
            expressions.append(.payload(place.base, offset: place.offset, length: length, into: register))
        }
    }

    mutating func append(_ ports: JoinedPorts) {
        require(.transport(L4Protocol(ports.transport)))
        let place = HeaderField.sourcePort(ports.transport).place
        expressions.append(.payload(place.base, offset: place.offset, length: ports.bytes.count, into: .first))
        expressions.append(.compare(.first, .equal, ports.bytes))
    }

    private mutating func require(_ key: Key) {
        switch key {
        case .header(let field): require(field.protocolOfHeader)
        case .meta, .conntrack, .socket: break
        }
    }

    mutating func require(_ header: HeaderField.ProtocolOfHeader) {
        switch header {
        case .network(let wanted):
            if family != wanted { match(.meta(.nfproto), .equals(.family(wanted))) }
        case .transport(let wanted):
            if l4proto == wanted { return }
            // nft ties ICMP and ICMPv6 to their network layer, and the others to none.
            switch wanted {
            case .icmp: if family != .ipv4 { match(.meta(.nfproto), .equals(.family(.ipv4))) }
            case .icmpv6: if family != .ipv6 { match(.meta(.nfproto), .equals(.family(.ipv6))) }
            case .igmp, .tcp, .udp, .sctp: break
            }
            match(.meta(.l4proto), .equals(.l4proto(wanted)))
        }
    }
}

extension HeaderField {
    fileprivate enum ProtocolOfHeader {
        case network(AddressFamily)
        case transport(L4Protocol)
    }

    fileprivate var protocolOfHeader: ProtocolOfHeader {
        switch self {
        case .tcpFlags: .transport(.tcp)
        case .sourcePort(let transport), .destinationPort(let transport): .transport(L4Protocol(transport))
        case .ip4Source, .ip4Destination: .network(.ipv4)
        case .ip6Source, .ip6Destination: .network(.ipv6)
        case .icmpType: .transport(.icmp)
        case .icmpv6Type: .transport(.icmpv6)
        }
    }

    /// Where the field lies in its header: RFC 9293, 768, 9260 (ports at 0 and 2), 791, 8200, 792 and 4443.
    public var place: (base: PayloadBase, offset: Int, length: Int) {
        switch self {
        case .tcpFlags: (.transport, 13, 1)
        case .sourcePort: (.transport, 0, 2)
        case .destinationPort: (.transport, 2, 2)
        case .ip4Source: (.network, 12, 4)
        case .ip4Destination: (.network, 16, 4)
        case .ip6Source: (.network, 8, 16)
        case .ip6Destination: (.network, 24, 16)
        case .icmpType, .icmpv6Type: (.transport, 0, 1)
        }
    }
}

extension Key {
    /// In bytes.
    public var length: Int {
        switch self {
        case .meta(let key): key.length
        case .conntrack(let key): key.length
        case .header(let field): field.place.length
        case .socket(let key): key.length
        }
    }
}

extension MetaKey {
    public var length: Int {
        switch self {
        case .nfproto, .l4proto: 1
        case .iifname, .oifname: DataType.interfaceName.length
        }
    }
}

extension SocketKey {
    public var length: Int {
        switch self {
        case .cgroup: 8
        }
    }
}

extension ConntrackKey {
    public var length: Int {
        switch self {
        case .state, .status: 4
        case .direction: 1
        case .originalIPv4Source, .originalIPv4Destination: 4
        case .originalIPv6Source, .originalIPv6Destination: 16
        case .originalServiceDestination: 2
        }
    }
}

extension Value {
    /// As the register holds it.
    var bytes: [UInt8] {
        switch self {
        case .family(let family): [family.nfProto]
        case .l4proto(let l4proto): [l4proto.rawValue]
        case .direction(let direction): [direction.rawValue]
        case .port(let port): port.networkOrder
        case .number(let number): [number]
        case .cgroup(let group): group.id.hostOrder
        }
    }
}

extension FixedWidthInteger {
    /// As this machine keeps it in memory: what the kernel's own flag words are compared with.
    public var hostOrder: [UInt8] {
        (0..<Self.bitWidth / 8).map { UInt8(truncatingIfNeeded: littleEndian >> (8 * $0)) }
    }
}
