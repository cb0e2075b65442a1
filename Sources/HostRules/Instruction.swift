/// One instruction of nf_tables' register machine, or of xtables inside it, as a reader of the whole host needs it.
///
/// Registers are counted in words of 32 bits, as 0 for both `NFT_REG_1` and `NFT_REG32_00`.
public enum Instruction: Hashable, Sendable {
    /// `enum nft_meta_keys`, or `unknownKey`
    case loadMeta(UInt32, into: Int)
    /// `enum nft_ct_keys`; the direction is 0 original, 1 reply.
    case loadConntrack(UInt32, direction: UInt8?, into: Int)
    /// `enum nft_payload_bases`
    case loadPayload(base: UInt32, offset: Int, length: Int, into: Int)
    /// `enum nft_fib_result` and the flags `NFTA_FIB_F_*`
    case loadFIB(result: UInt32, flags: UInt32, into: Int)
    /// The number of the control group of version 2 that the packet's socket is in, or of the one above it at this level; without
    /// a socket, or where it is not as deep, the rule ends.
    case loadControlGroup(level: Int, into: Int)
    case loadImmediate([UInt8], into: Int)
    /// `enum nft_cmp_ops`: 0 =, 1 !=, 2 <, 3 <=, 4 >, 5 >=
    case compare(Int, operation: UInt32, [UInt8])
    /// Both ends belong to it.
    case range(Int, from: [UInt8], to: [UInt8], inverted: Bool)
    case bitwise(Int, mask: [UInt8], xor: [UInt8], into: Int)
    /// Bytes turned round: `size` at a time, `length` in all.
    case byteorder(Int, into: Int, size: Int, length: Int)
    case lookup(set: String, Int, inverted: Bool)
    /// A map whose data is a value.
    case lookupValue(map: String, Int, into: Int)
    /// A map whose data is a verdict.
    case lookupVerdict(map: String, Int)
    case verdict(HostVerdict)
    /// To the address and port in these registers; nil where it leaves that as it is.
    case destinationNAT(address: Int?, port: Int?)
    /// To this machine; nil where the port stays.
    case redirect(port: Int?)
    /// Source NAT and masquerading: nothing that decides who gets in.
    case sourceNAT
    case reject
    /// Later hooks see no conntrack entry: `ct state untracked`.
    case notrack
    /// The rule goes on while a rate or a quota is not used up: it may match, and may not.
    case limit
    /// Counters, logs, comments, marks that are set on what nothing we read tests: no influence on the verdict.
    case noEffect(String)
    case xtables(XtablesMatch)
    case xtablesTarget(XtablesTarget)
    /// One that we do not follow. A verdict behind it is not known.
    case unknown(String)

    /// A number past the end of `enum nft_meta_keys`.
    public static let unknownKey = UInt32.max

    /// A value of at most 16 bytes that is not known before the packet comes: of a route, a hash, a shift.
    public static func loadUnknown(into register: Int) -> Self { .loadMeta(unknownKey, into: register) }

    /// One past those that the kernel has, for what a reader asks itself.
    public static let spareRegister = 16
}

public enum HostVerdict: Hashable, Sendable {
    case accept
    case drop
    case `return`
    case jump(String)
    case goto(String)
    /// To a program: it may come back as anything.
    case queue
}

/// Matches of iptables that iptables-nft leaves to xtables. Every field is a condition of its own, all of which have to hold.
public enum XtablesMatch: Hashable, Sendable {
    /// `-m conntrack`, `-m state`
    case conntrack(XtablesConntrack)
    /// `-m addrtype`: `RTN_*` as bits
    case addressType(source: UInt16, sourceInverted: Bool, destination: UInt16, destinationInverted: Bool)
    /// `-p tcp`, `-p udp`, and `-m multiport`
    case sourcePorts([ClosedRange<UInt16>], inverted: Bool)
    case destinationPorts([ClosedRange<UInt16>], inverted: Bool)
    /// `--tcp-flags MASK COMPARE`
    case tcpFlags(mask: UInt8, compare: UInt8, inverted: Bool)
    case sourceRange(from: [UInt8], to: [UInt8], inverted: Bool)
    case destinationRange(from: [UInt8], to: [UInt8], inverted: Bool)
    case mark(value: UInt32, mask: UInt32, inverted: Bool)
    case limit
    /// `-m comment`
    case always
    case unknown(String)
}

/// `struct xt_conntrack_mtinfo3`, taken apart. Nil where it is no condition.
public struct XtablesConntrack: Hashable, Sendable {
    public struct Condition<Value: Hashable & Sendable>: Hashable, Sendable {
        public var value: Value
        public var inverted: Bool

        public init(_ value: Value, inverted: Bool) {
            self.value = value
            self.inverted = inverted
        }
    }

    /// An address, and the mask that both are taken under, in network order.
    public struct Prefix: Hashable, Sendable {
        public var address: [UInt8]
        public var mask: [UInt8]

        public init(address: [UInt8], mask: [UInt8]) {
            self.address = address
            self.mask = mask
        }
    }

    /// `XT_CONNTRACK_STATE_*`: invalid 1, established 2, related 4, new 8, untracked 64; SNAT and DNAT are `IPS_*` bits of `status`.
    public var state: Condition<UInt32>?
    public var status: Condition<UInt32>?
    public var isOriginal: Condition<Bool>?
    public var proto: Condition<UInt8>?
    public var originalSource: Condition<Prefix>?
    public var originalDestination: Condition<Prefix>?
    public var replySource: Condition<Prefix>?
    public var replyDestination: Condition<Prefix>?
    public var originalSourcePort: Condition<ClosedRange<UInt16>>?
    public var originalDestinationPort: Condition<ClosedRange<UInt16>>?
    public var replySourcePort: Condition<ClosedRange<UInt16>>?
    public var replyDestinationPort: Condition<ClosedRange<UInt16>>?

    public init() {}
}

public enum XtablesTarget: Hashable, Sendable {
    /// `DNAT --to ADDRESS:PORT`; nil where that part stays. A range of several is `unknown`.
    case destinationNAT(address: [UInt8]?, port: UInt16?)
    case redirect(port: UInt16?)
    case sourceNAT
    case reject
    case notrack
    case noEffect(String)
    case unknown(String)
}
