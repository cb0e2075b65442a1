public import Addressing

/// A named set, or, with verdicts, a named map.
public struct NamedSet: Hashable, Sendable {
    public var name: String
    /// One type, or several of a concatenation.
    public var key: [DataType]
    public var isMap: Bool
    public var isInterval: Bool
    /// Whether its elements may go by themselves when their time is up.
    public var timesOut: Bool
    public var elements: Elements

    public init(
        name: String, key: [DataType], isMap: Bool = false, isInterval: Bool = true, timesOut: Bool = false,
        elements: Elements
    ) {
        self.name = name
        self.key = key
        self.isMap = isMap
        self.isInterval = isInterval
        self.timesOut = timesOut
        self.elements = elements
    }

    /// The set without what it holds: all that cannot be changed once the kernel has it.
    public var header: Header {
        Header(name: name, key: key, isMap: isMap, isInterval: isInterval, timesOut: timesOut)
    }

    public struct Header: Hashable, Sendable {
        public var name: String
        public var key: [DataType]
        public var isMap: Bool
        public var isInterval: Bool
        public var timesOut: Bool
    }
}

/// nft's data types; the raw value is nft's number for it, which it keeps in the set so that a listing can name the type.
public enum DataType: UInt32, Hashable, Sendable, CaseIterable {
    /// The family of a packet, as `meta nfproto` has it.
    case nfProto = 2
    case ipv4Address = 7
    case ipv6Address = 8
    case inetProtocol = 12
    case inetService = 13
    case interfaceName = 41

    /// In bytes.
    public var length: Int {
        switch self {
        case .nfProto: 1
        case .ipv4Address: 4
        case .ipv6Address: 16
        case .inetProtocol: 1
        case .inetService: 2
        case .interfaceName: 16
        }
    }

    /// nft's word in `type …`.
    public var word: String {
        switch self {
        case .nfProto: "nf_proto"
        case .ipv4Address: "ipv4_addr"
        case .ipv6Address: "ipv6_addr"
        case .inetProtocol: "inet_proto"
        case .inetService: "inet_service"
        case .interfaceName: "ifname"
        }
    }
}

/// What a set holds. Addresses, of which there may be a million, are kept as numbers.
public enum Elements: Hashable, Sendable {
    case ipv4(IntervalSet<UInt32>)
    case ipv6(IntervalSet<UInt128>)
    case keyed([Element])

    public var count: Int {
        switch self {
        case .ipv4(let set): set.ranges.count
        case .ipv6(let set): set.ranges.count
        case .keyed(let elements): elements.count
        }
    }

    public var isEmpty: Bool { count == 0 }
}

public struct Element: Hashable, Sendable {
    public var key: [KeyField]
    public var verdict: Verdict?
    /// How long the kernel is to keep it, in milliseconds; `nil` is for ever.
    public var timeout: UInt64?
    /// How long the kernel still keeps it, once it has it.
    public var remaining: UInt64?

    public init(key: [KeyField], verdict: Verdict? = nil, timeout: UInt64? = nil, remaining: UInt64? = nil) {
        self.key = key
        self.verdict = verdict
        self.timeout = timeout
        self.remaining = remaining
    }

    /// What it was made as, whatever is left of its time.
    public static func == (left: Self, right: Self) -> Bool {
        left.key == right.key && left.verdict == right.verdict && left.timeout == right.timeout
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(key)
        hasher.combine(verdict)
        hasher.combine(timeout)
    }
}

/// One field of a key, as the range of values it stands for.
public enum KeyField: Hashable, Comparable, Sendable {
    case family(AddressFamily)
    case ipv4(ClosedRange<UInt32>)
    case ipv6(ClosedRange<UInt128>)
    case service(ClosedRange<UInt16>)
    case proto(UInt8)
    case interface(InterfaceName)

    /// The least bytes that match, in network order.
    public var low: [UInt8] {
        switch self {
        case .family(let family): [family.nfProto]
        case .ipv4(let range): range.lowerBound.networkOrder
        case .ipv6(let range): range.lowerBound.networkOrder
        case .service(let range): range.lowerBound.networkOrder
        case .proto(let number): [number]
        case .interface(let name): name.stem.ifname
        }
    }

    /// The greatest bytes that match, in network order.
    public var high: [UInt8] {
        switch self {
        case .family(let family): [family.nfProto]
        case .ipv4(let range): range.upperBound.networkOrder
        case .ipv6(let range): range.upperBound.networkOrder
        case .service(let range): range.upperBound.networkOrder
        case .proto(let number): [number]
        case .interface(let name):
            name.isWildcard
                ? Array(name.stem.utf8)
                    + Array(repeating: 0xff, count: DataType.interfaceName.length - name.stem.utf8.count)
                : name.stem.ifname
        }
    }

    /// In the order of `low`, then of `high`. Numbers are compared as such: maps have many.
    public static func < (left: Self, right: Self) -> Bool {
        switch (left, right) {
        case (.ipv4(let left), .ipv4(let right)): left.precedes(right)
        case (.ipv6(let left), .ipv6(let right)): left.precedes(right)
        case (.service(let left), .service(let right)): left.precedes(right)
        case (.proto(let left), .proto(let right)): left < right
        case (.family, _), (.ipv4, _), (.ipv6, _), (.service, _), (.proto, _), (.interface, _):
            left.low.lexicographicallyPrecedes(right.low)
                || left.low == right.low && left.high.lexicographicallyPrecedes(right.high)
        }
    }
}

extension AddressFamily {
    /// The kernel's `NFPROTO_*`.
    public var nfProto: UInt8 {
        switch self {
        case .ipv4: 2
        case .ipv6: 10
        }
    }

    public init?(nfProto: UInt8) {
        guard let family = Self.allCases.first(where: { $0.nfProto == nfProto }) else { return nil }
        self = family
    }
}

extension ClosedRange {
    fileprivate func precedes(_ other: Self) -> Bool {
        lowerBound == other.lowerBound ? upperBound < other.upperBound : lowerBound < other.lowerBound
    }
}

extension String {
    /// As the kernel keeps an interface's name: IFNAMSIZ bytes, filled up with NUL.
    public var ifname: [UInt8] {
        let bytes = Array(utf8.prefix(DataType.interfaceName.length))
        return bytes + Array(repeating: 0, count: DataType.interfaceName.length - bytes.count)
    }
}
