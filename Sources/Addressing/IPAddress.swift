/// The two network layers that nftables' `inet` family joins.
public enum AddressFamily: String, Hashable, Comparable, CaseIterable, Sendable {
    case ipv4
    case ipv6

    public static func < (left: Self, right: Self) -> Bool { left == .ipv4 && right == .ipv6 }
}

/// What an address family's address is made of: an unsigned number of 32 or 128 bits, in host order.
public protocol AddressBits: FixedWidthInteger, UnsignedInteger, Sendable {
    static var family: AddressFamily { get }
    var text: String { get }
}

extension UInt32: AddressBits {
    public static var family: AddressFamily { .ipv4 }
    public var text: String { IPv4Address(self).description }
}

extension UInt128: AddressBits {
    public static var family: AddressFamily { .ipv6 }
    public var text: String { IPv6Address(self).description }
}

public struct IPv4Address: Hashable, Comparable, Sendable, CustomStringConvertible {
    public var bits: UInt32

    public init(_ bits: UInt32) { self.bits = bits }

    public static func < (left: Self, right: Self) -> Bool { left.bits < right.bits }

    public var description: String {
        "\(bits >> 24).\(bits >> 16 & 0xff).\(bits >> 8 & 0xff).\(bits & 0xff)"
    }
}

public struct IPv6Address: Hashable, Comparable, Sendable, CustomStringConvertible {
    public var bits: UInt128

    public init(_ bits: UInt128) { self.bits = bits }

    public static func < (left: Self, right: Self) -> Bool { left.bits < right.bits }

    func group(_ index: Int) -> UInt16 { UInt16(truncatingIfNeeded: bits >> (112 - 16 * index)) }

    /// The canonical text of RFC 5952, with an IPv4-mapped address (`::ffff:0:0/96`) in the mixed notation of its section 5.
    public var description: String {
        if bits >> 32 == 0xffff { return "::ffff:\(IPv4Address(UInt32(truncatingIfNeeded: bits)))" }
        let gap = longestRunOfZeroGroups()
        var text = ""
        var index = 0
        while index < 8 {
            if let gap, index == gap.lowerBound {
                text += "::"
                index = gap.upperBound
                continue
            }
            if !text.isEmpty, !text.hasSuffix(":") { text += ":" }
            text += String(group(index), radix: 16)
            index += 1
        }
        return text
    }

    /// RFC 5952, 4.2: the longest run of two or more zero groups, the first of equals.
    private func longestRunOfZeroGroups() -> Range<Int>? {
        var best = 0..<0
        var start = 0
        while start < 8 {
            var end = start
            while end < 8, group(end) == 0 { end += 1 }
            if end - start > best.count { best = start..<end }
            start = max(end, start + 1)
        }
        return best.count >= 2 ? best : nil
    }
}

public enum IPAddress: Hashable, Comparable, Sendable, CustomStringConvertible {
    case v4(IPv4Address)
    case v6(IPv6Address)

    public var family: AddressFamily {
        switch self {
        case .v4: .ipv4
        case .v6: .ipv6
        }
    }

    public var description: String {
        switch self {
        case .v4(let address): address.description
        case .v6(let address): address.description
        }
    }
}

extension IPAddress {
    /// `0.0.0.0` and `::`
    public var isUnspecified: Bool {
        switch self {
        case .v4(let address): address.bits == 0
        case .v6(let address): address.bits == 0
        }
    }

    /// 127.0.0.0/8 and ::1
    public var isLoopback: Bool {
        switch self {
        case .v4(let address): address.bits >> 24 == 127
        case .v6(let address): address.bits == 1
        }
    }
}
