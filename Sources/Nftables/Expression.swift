/// What the kernel runs: an instruction of nf_tables' register machine (`linux/netfilter/nf_tables.h`, NFTA_*).
public enum Expression: Hashable, Sendable {
    case meta(MetaKey, into: Register)
    case conntrack(ConntrackKey, into: Register)
    case payload(PayloadBase, offset: Int, length: Int, into: Register)
    case socket(SocketKey, into: Register)
    case compare(Register, Comparison, [UInt8])
    case bitwise(Register, mask: [UInt8], xor: [UInt8], into: Register)
    case lookup(set: String, Register, inverted: Bool)
    /// A lookup whose result is a verdict.
    case verdictLookup(map: String, Register)
    case immediate(Verdict)
    /// A counter of the rule's own; what it has counted is not part of the rule.
    case counter
    case objectReference(ObjectKind, name: String)
    case log(prefix: String, LogDestination)
    case reject(Rejection)
    /// One that we do not write, with its attributes as the kernel sent them: kept and shown, never dropped.
    case opaque(name: String, [UInt8])
}

/// A place of the register machine, counted in words of 32 bits. The kernel's `NFT_REG_1` is word 0.
public struct Register: Hashable, Sendable {
    public var word: Int

    public init(word: Int) { self.word = word }

    public static let first = Self(word: 0)

    /// The first register past a value of so many bytes.
    public func after(bytes: Int) -> Self { Self(word: word + (bytes + 3) / 4) }

    /// `enum nft_registers`: the four old names where one fits, as nft and the kernel write it.
    public var kernelNumber: UInt32 { word % 4 == 0 ? UInt32(1 + word / 4) : UInt32(8 + word) }

    public init?(kernelNumber: UInt32) {
        switch kernelNumber {
        case 1...4: word = Int(kernelNumber - 1) * 4
        case 8...23: word = Int(kernelNumber - 8)
        default: return nil
        }
    }
}

/// `enum nft_payload_bases`.
public enum PayloadBase: UInt32, Hashable, Sendable {
    case link = 0
    case network = 1
    case transport = 2
}

/// `enum nft_cmp_ops`.
public enum Comparison: UInt32, Hashable, Sendable {
    case equal = 0
    case notEqual = 1
    case less = 2
    case lessOrEqual = 3
    case greater = 4
    case greaterOrEqual = 5
}

/// `NFT_OBJECT_*`.
public enum ObjectKind: UInt32, Hashable, Sendable {
    case counter = 1
    case limit = 4
}
