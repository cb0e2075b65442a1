internal import CMnl
internal import CNftnl
internal import Glibc
internal import Nftables

extension Batch {
    mutating func add(_ header: NamedSet.Header, _ index: Int) throws(NetlinkError) {
        try header.checkKey()
        let object = try NftnlSet()
        lastSetNumber += 1
        object.set(NFTNL_SET_TABLE, try checked(transaction.table))
        object.set(NFTNL_SET_NAME, try checked(header.name))
        object.set(NFTNL_SET_ID, lastSetNumber)
        object.set(NFTNL_SET_FLAGS, header.kernelFlags)
        object.set(NFTNL_SET_KEY_TYPE, header.keyType)
        object.set(NFTNL_SET_KEY_LEN, UInt32(header.keyLength))
        if header.isMap {
            object.set(NFTNL_SET_DATA_TYPE, UInt32(NFT_DATA_VERDICT.rawValue))
            object.set(NFTNL_SET_DATA_LEN, 0)
        }
        if header.isConcatenatedInterval {
            // One byte a field, as libnftnl takes them: the kernel gives each field its own lookup table.
            object.set(NFTNL_SET_DESC_CONCAT, header.key.map { UInt8($0.length) })
        }
        object.set(NFTNL_SET_USERDATA, try UserDataBuffer(describing: header))
        try append(NFT_MSG_NEWSET, flags: NLM_F_CREATE | NLM_F_EXCL, change: index, object)
    }
}

extension NamedSet.Header {
    /// libnftnl copies a key of any length into the 64 bytes that registers have, and a concatenation's number has room for five.
    func checkKey() throws(NetlinkError) {
        let fields = UInt32.bitWidth / Int(DataType.bitsInConcatenation)
        guard !key.isEmpty, key.count <= fields, keyLength <= Int(NFT_DATA_VALUE_MAXLEN) else {
            throw NetlinkError(
                operation: "write", object: "\(word) \(name)", code: EINVAL,
                detail: "a key has 1 to \(fields) fields and up to \(NFT_DATA_VALUE_MAXLEN) bytes")
        }
    }

    var isConcatenation: Bool { key.count > 1 }

    /// The kernel keeps these apart from plain interval sets: their elements are ranges, not starts and ends.
    var isConcatenatedInterval: Bool { isConcatenation && isInterval }

    var kernelFlags: UInt32 {
        var flags: UInt32 = 0
        if isInterval { flags |= UInt32(NFT_SET_INTERVAL.rawValue) }
        if timesOut { flags |= UInt32(NFT_SET_TIMEOUT.rawValue) }
        if isMap { flags |= UInt32(NFT_SET_MAP.rawValue) }
        if isConcatenatedInterval { flags |= UInt32(NFT_SET_CONCAT.rawValue) }
        return flags
    }

    /// nft's number for the type; six bits a field in a concatenation (TYPE_BITS of its datatype.h).
    var keyType: UInt32 { key.reduce(0) { $0 << DataType.bitsInConcatenation | $1.rawValue } }

    /// Each field of a concatenation begins on a register of its own.
    var keyLength: Int {
        isConcatenation ? key.reduce(0) { $0 + $1.paddedLength } : key.reduce(0) { $0 + $1.length }
    }
}

extension DataType {
    static var bitsInConcatenation: UInt32 { 6 }

    var paddedLength: Int { (length + 3) / 4 * 4 }
}

/// `enum byteorder` of nft: it has no header.
private enum NftByteOrder: UInt32 {
    case invalid = 0
    case host = 1
    case network = 2

    init(_ type: DataType) {
        switch type {
        case .ipv4Address, .ipv6Address, .inetService: self = .network
        case .interfaceName: self = .host
        case .nfProto, .inetProtocol: self = .invalid
        }
    }
}

/// `EXPR_CONCAT` of nft's `enum expr_types`: it has no header.
private let nftConcatenation: UInt32 = 13

extension UserDataBuffer {
    /// Byte for byte what nft 1.0.6 keeps with the same set: other versions write more, and 1.0.6 crashes on listing that.
    init(describing header: NamedSet.Header) throws(NetlinkError) {
        try self.init()
        let order = header.key.count == 1 ? header.key.first.map(NftByteOrder.init) : nil
        put(NFTNL_UDATA_SET_KEYBYTEORDER.rawValue, (order ?? .invalid).rawValue)
        if header.isMap { put(NFTNL_UDATA_SET_DATABYTEORDER.rawValue, NftByteOrder.invalid.rawValue) }
        if header.isConcatenation {
            nest(NFTNL_UDATA_SET_KEY_TYPEOF.rawValue) {
                put(UInt32(NFTNL_UDATA_SET_TYPEOF_EXPR), nftConcatenation)
                nest(UInt32(NFTNL_UDATA_SET_TYPEOF_DATA)) {}
            }
        }
        if header.isMap { put(NFTNL_UDATA_SET_DATA_INTERVAL.rawValue, 0) }
    }
}
