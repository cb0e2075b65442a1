internal import Addressing
internal import CNftnl
internal import Glibc
internal import Nftables

extension TableReader {
    /// A message of `NFT_MSG_GETSET`. The set comes without its elements.
    mutating func readSet(_ message: RawSpan) throws(MalformedMessage) {
        var table: String?
        var set = ""
        var flags: UInt32 = 0
        var keyType: UInt32 = 0
        var keyLength: UInt32 = 0
        var dataType: UInt32?
        var notes: [String] = []
        var attributes = AttributeCursor(message)
        while let attribute = try attributes.next() {
            switch attribute.type {
            case NFTA_SET_TABLE.rawValue: table = attribute.payload.text()
            case NFTA_SET_NAME.rawValue: set = attribute.payload.text()
            case NFTA_SET_FLAGS.rawValue: flags = try attribute.payload.networkOrder()
            case NFTA_SET_KEY_TYPE.rawValue: keyType = try attribute.payload.networkOrder()
            case NFTA_SET_KEY_LEN.rawValue: keyLength = try attribute.payload.networkOrder()
            case NFTA_SET_DATA_TYPE.rawValue: dataType = try attribute.payload.networkOrder()
            case NFTA_SET_POLICY.rawValue:
                if try attribute.payload.networkOrder() != UInt32(NFT_SET_POL_PERFORMANCE.rawValue) {
                    notes.append("has a policy")
                }
            case NFTA_SET_DESC.rawValue: if try Self.hasSize(attribute.payload) { notes.append("has a size") }
            case NFTA_SET_TIMEOUT.rawValue: notes.append("its elements time out")
            case NFTA_SET_GC_INTERVAL.rawValue: notes.append("has an interval of garbage collection")
            case NFTA_SET_EXPR.rawValue, NFTA_SET_EXPRESSIONS.rawValue: notes.append("its elements have statements")
            case NFTA_SET_USERDATA.rawValue:
                let isOfNft = attribute.payload.readUserData { type, _ in
                    if type == NFTNL_UDATA_SET_COMMENT.rawValue { notes.append("has a comment") }
                }
                if !isOfNft { notes.append(Self.foreignUserData) }
            default: break
            }
        }
        guard table == name else { return }
        let header = Self.header(set, flags: flags, keyType: keyType, keyLength: keyLength, dataType: dataType)
        if flags & NFT_SET_ANONYMOUS.rawValue != 0 {
            return note(.set(set), "anonymous: part of a rule")
        }
        guard let header else {
            return note(.set(set), "of a type that is never written here (key type \(keyType), flags \(flags))")
        }
        if flags & ~header.kernelFlags != 0 { notes.append("has flags (\(flags & ~header.kernelFlags))") }
        for text in notes { note(.set(set), text) }
        let empty: Elements =
            switch header.plainKey {
            case .ipv4Address?: .ipv4(.init())
            case .ipv6Address?: .ipv6(.init())
            case .nfProto?, .inetProtocol?, .inetService?, .interfaceName?, nil: .keyed([])
            }
        sets.append(
            NamedSet(
                name: set, key: header.key, isMap: header.isMap, isInterval: header.isInterval,
                timesOut: header.timesOut, elements: empty))
    }

    /// `nil` where the IR cannot say it.
    private static func header(
        _ name: String, flags: UInt32, keyType: UInt32, keyLength: UInt32, dataType: UInt32?
    ) -> NamedSet.Header? {
        guard let key = DataType.fields(ofKeyType: keyType) else { return nil }
        let isMap = flags & NFT_SET_MAP.rawValue != 0
        if isMap, dataType != UInt32(NFT_DATA_VERDICT.rawValue) { return nil }
        let isInterval = flags & NFT_SET_INTERVAL.rawValue != 0
        let timesOut = flags & NFT_SET_TIMEOUT.rawValue != 0
        let set = NamedSet(
            name: name, key: key, isMap: isMap, isInterval: isInterval, timesOut: timesOut, elements: .keyed([]))
        // nft before 0.9.4 made interval sets of concatenations without NFT_SET_CONCAT, with other elements.
        guard set.header.keyLength == Int(keyLength), flags & set.header.kernelFlags == set.header.kernelFlags else {
            return nil
        }
        return set.header
    }

    private static func hasSize(_ nest: RawSpan) throws(MalformedMessage) -> Bool {
        var attributes = AttributeCursor(nest)
        while let attribute = try attributes.next() {
            if attribute.type == NFTA_SET_DESC_SIZE.rawValue { return true }
        }
        return false
    }
}

extension DataType {
    /// The types of a concatenation, from nft's number for it; `nil` where one of them is not known.
    static func fields(ofKeyType number: UInt32) -> [Self]? {
        var fields: [Self] = []
        var rest = number
        while rest != 0 {
            guard let type = Self(rawValue: rest & (1 << bitsInConcatenation - 1)) else { return nil }
            fields.insert(type, at: 0)
            rest >>= bitsInConcatenation
        }
        return fields.isEmpty ? nil : fields
    }
}

extension NamedSet.Header {
    /// The type of a set of plain addresses, whose elements are kept as numbers.
    var plainKey: DataType? {
        guard !isMap, key.count == 1, let type = key.first else { return nil }
        switch type {
        case .ipv4Address, .ipv6Address: return type
        case .nfProto, .inetProtocol, .inetService, .interfaceName: return nil
        }
    }
}
