internal import CNftnl
internal import Glibc
internal import Nftables

extension TableReader {
    /// A message of `NFT_MSG_GETOBJ`.
    mutating func readObject(_ message: RawSpan) throws(MalformedMessage) {
        var table: String?
        var object = ""
        var kind: UInt32?
        var hasComment = false
        var counter: CounterReading?
        var limit: Limit?
        var attributes = AttributeCursor(message)
        while let attribute = try attributes.next() {
            switch attribute.type {
            case NFTA_OBJ_TABLE.rawValue: table = attribute.payload.text()
            case NFTA_OBJ_NAME.rawValue: object = attribute.payload.text()
            case NFTA_OBJ_TYPE.rawValue: kind = try attribute.payload.networkOrder()
            case NFTA_OBJ_DATA.rawValue:
                // The kernel sends the type first; without it the data cannot be read.
                switch kind.flatMap(ObjectKind.init(rawValue:)) {
                case .counter?: counter = try Self.counter(attribute.payload)
                case .limit?: limit = try Self.limit(attribute.payload)
                case nil: break
                }
            case NFTA_OBJ_USERDATA.rawValue: hasComment = true
            default: break
            }
        }
        guard table == name else { return }
        let place = Oddity.Place.object(word: Self.word(kind), name: object)
        if hasComment { note(place, "has a comment") }
        switch kind.flatMap(ObjectKind.init(rawValue:)) {
        case .counter?:
            counters.append(Counter(name: object))
            readings[object] = counter ?? CounterReading(packets: 0, bytes: 0)
        case .limit?:
            if var limit {
                limit.name = object
                limits.append(limit)
            } else {
                note(place, "a limit of bytes, or one that is inverted")
            }
        case nil: note(place, "a kind of object that is never written here")
        }
    }

    private static func counter(_ nest: RawSpan) throws(MalformedMessage) -> CounterReading {
        var reading = CounterReading(packets: 0, bytes: 0)
        var attributes = AttributeCursor(nest)
        while let attribute = try attributes.next() {
            switch attribute.type {
            case NFTA_COUNTER_PACKETS.rawValue: reading.packets = try attribute.payload.networkOrder()
            case NFTA_COUNTER_BYTES.rawValue: reading.bytes = try attribute.payload.networkOrder()
            default: break
            }
        }
        return reading
    }

    /// `nil` where the IR cannot say it.
    private static func limit(_ nest: RawSpan) throws(MalformedMessage) -> Limit? {
        var rate: UInt64?
        var unit: UInt64?
        var burst: UInt32 = 0
        var type = NFT_LIMIT_PKTS.rawValue
        var flags: UInt32 = 0
        var attributes = AttributeCursor(nest)
        while let attribute = try attributes.next() {
            switch attribute.type {
            case NFTA_LIMIT_RATE.rawValue: rate = try attribute.payload.networkOrder()
            case NFTA_LIMIT_UNIT.rawValue: unit = try attribute.payload.networkOrder()
            case NFTA_LIMIT_BURST.rawValue: burst = try attribute.payload.networkOrder()
            case NFTA_LIMIT_TYPE.rawValue: type = try attribute.payload.networkOrder()
            case NFTA_LIMIT_FLAGS.rawValue: flags = try attribute.payload.networkOrder()
            default: break
            }
        }
        guard let rate, let unit = unit.flatMap(Limit.Unit.init(rawValue:)), type == NFT_LIMIT_PKTS.rawValue, flags == 0
        else { return nil }
        return Limit(name: "", rate: rate, unit: unit, burst: burst)
    }

    /// nft's word for `NFT_OBJECT_*`.
    private static func word(_ kind: UInt32?) -> String {
        switch kind.map(Int32.init(bitPattern:)) {
        case NFT_OBJECT_COUNTER?: "counter"
        case NFT_OBJECT_QUOTA?: "quota"
        case NFT_OBJECT_CT_HELPER?: "ct helper"
        case NFT_OBJECT_LIMIT?: "limit"
        case NFT_OBJECT_CONNLIMIT?: "ct count"
        case NFT_OBJECT_TUNNEL?: "tunnel"
        case NFT_OBJECT_CT_TIMEOUT?: "ct timeout"
        case NFT_OBJECT_SECMARK?: "secmark"
        case NFT_OBJECT_CT_EXPECT?: "ct expectation"
        case NFT_OBJECT_SYNPROXY?: "synproxy"
        case let other?: "object of kind \(other)"
        case nil: "object"
        }
    }
}
