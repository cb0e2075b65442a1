internal import Addressing
internal import CMnl
internal import CNftnl
internal import Glibc
internal import Nftables

extension Batch {
    enum ElementChange {
        case add
        case delete

        var message: nf_tables_msg_types {
            switch self {
            case .add: NFT_MSG_NEWSETELEM
            case .delete: NFT_MSG_DELSETELEM
            }
        }

        var flags: Int32 {
            switch self {
            case .add: NLM_F_CREATE | NLM_F_EXCL
            case .delete: 0
            }
        }
    }

    /// Writes the elements chunk by chunk: only one chunk exists as objects of libnftnl at a time.
    mutating func append(
        _ elements: Elements, to set: NamedSet.Header, _ change: ElementChange, _ index: Int
    ) throws(NetlinkError) {
        try set.checkKey()
        _ = try checked(set.name)
        _ = try checked(transaction.table)
        switch elements {
        case .ipv4(let intervals): try append(intervals, .ipv4Address, to: set, change, index)
        case .ipv6(let intervals): try append(intervals, .ipv6Address, to: set, change, index)
        case .keyed(let keyed): try append(keyed, to: set, change, index)
        }
    }

    private mutating func append<Bound: AddressBits>(
        _ intervals: IntervalSet<Bound>, _ type: DataType, to set: NamedSet.Header, _ change: ElementChange,
        _ index: Int
    ) throws(NetlinkError) {
        guard set.key == [type], !set.isMap else { throw .mismatch(set) }
        var rest = intervals.ranges[...]
        // What is left of a range that did not go into the last chunk whole.
        var left: ClosedRange<Bound>?
        while left != nil || !rest.isEmpty {
            var chunk = try ElementChunk(set, in: transaction.table, change)
            while !chunk.isFull, let range = left ?? rest.popFirst() {
                left = nil
                if set.isInterval {
                    try chunk.append(UInt128(range.lowerBound)...UInt128(range.upperBound), nil)
                } else {
                    // A set without intervals holds single values. A range here is what several of them merged to.
                    try chunk.append(single: UInt128(range.lowerBound), nil)
                    if range.lowerBound < range.upperBound { left = (range.lowerBound + 1)...range.upperBound }
                }
            }
            try append(change.message, flags: change.flags, change: index, chunk)
        }
    }

    private mutating func append(
        _ elements: [Element], to set: NamedSet.Header, _ change: ElementChange, _ index: Int
    ) throws(NetlinkError) {
        var rest = elements[...]
        while !rest.isEmpty {
            var chunk = try ElementChunk(set, in: transaction.table, change)
            while let element = rest.first, !chunk.isFull {
                rest.removeFirst()
                guard element.key.map(\.type) == set.key, set.isMap == (element.verdict != nil) else {
                    throw .mismatch(set)
                }
                try chunk.append(element)
            }
            try append(change.message, flags: change.flags, change: index, chunk)
        }
    }
}

extension NetlinkError {
    fileprivate static func mismatch(_ set: NamedSet.Header) -> Self {
        Self(
            operation: "write", object: "elements of \(set.word) \(set.name)", code: EINVAL,
            detail: "an element is not of the key \(set.key.map(\.word).joined(separator: " . "))")
    }
}

extension KeyField {
    var type: DataType {
        switch self {
        case .family: .nfProto
        case .ipv4: .ipv4Address
        case .ipv6: .ipv6Address
        case .service: .inetService
        case .proto: .inetProtocol
        case .interface: .interfaceName
        }
    }
}

/// Some elements of one set, as many as go into one message.
private struct ElementChunk: ~Copyable, MessagePayload {
    /// From 50 a message on, more make nothing faster (measured); 800 keep the header's share small.
    static let intervals = 800
    /// All elements are one attribute, whose length has 16 bits; the largest single element still fits behind this.
    static let bytes = 60_000

    private let list: NftnlSet
    private let set: NamedSet.Header
    private let change: Batch.ElementChange
    private var count = 0
    private var byteEstimate = 0

    var isFull: Bool { count >= Self.intervals || byteEstimate >= Self.bytes }

    init(_ set: NamedSet.Header, in table: String, _ change: Batch.ElementChange) throws(NetlinkError) {
        list = try NftnlSet()
        list.set(NFTNL_SET_TABLE, table)
        list.set(NFTNL_SET_NAME, set.name)
        self.set = set
        self.change = change
    }

    func write(behind header: MessageHeader) { list.writeElements(behind: header) }

    mutating func append(_ element: Element) throws(NetlinkError) {
        if let field = element.key.first, element.key.count == 1 {
            let low = field.low.number
            let high = field.high.number
            if set.isInterval {
                try append(low...max(low, high), element.verdict, element.timeout)
            } else {
                guard low == high else { throw .mismatch(set) }
                try append(single: low, element.verdict, element.timeout)
            }
            return
        }
        let object = try NftnlElement()
        let low = element.key.flatMap { $0.low.padded }
        object.set(NFTNL_SET_ELEM_KEY, low)
        let high = element.key.flatMap { $0.high.padded }
        if set.isInterval {
            object.set(NFTNL_SET_ELEM_KEY_END, high)
        } else if low != high {
            throw .mismatch(set)
        }
        try put(element.verdict, into: object)
        put(timeout: element.timeout, into: object)
        finish(object)
    }

    /// A start, and an end that is the first value past the range. A range up to the greatest value has no end: nft marks it.
    ///
    /// nft also writes an end without a start at zero when it fills a new set. The kernel does not need it, and it makes no
    /// difference to a listing or to what is added later, so it is left out.
    mutating func append(
        _ range: ClosedRange<UInt128>, _ verdict: Verdict?, _ timeout: UInt64? = nil
    ) throws(NetlinkError) {
        let width = set.keyLength
        let greatest = UInt128.max >> UInt128(UInt128.bitWidth - 8 * width)
        let start = try NftnlElement()
        start.set(NFTNL_SET_ELEM_KEY, number: range.lowerBound, width: width)
        try put(verdict, into: start)
        put(timeout: timeout, into: start)
        let isOpen = range.upperBound == greatest
        if isOpen, change == .add {
            let userData = try UserDataBuffer()
            userData.put(NFTNL_UDATA_SET_ELEM_FLAGS.rawValue, NFTNL_SET_ELEM_F_INTERVAL_OPEN.rawValue)
            start.set(NFTNL_SET_ELEM_USERDATA, userData)
        }
        finish(start)
        if isOpen { return }
        let end = try NftnlElement()
        end.set(NFTNL_SET_ELEM_KEY, number: range.upperBound + 1, width: width)
        end.set(NFTNL_SET_ELEM_FLAGS, UInt32(NFT_SET_ELEM_INTERVAL_END.rawValue))
        byteEstimate += 40 + width
        list.add(end)
    }

    mutating func append(
        single value: UInt128, _ verdict: Verdict?, _ timeout: UInt64? = nil
    ) throws(NetlinkError) {
        let object = try NftnlElement()
        object.set(NFTNL_SET_ELEM_KEY, number: value, width: set.keyLength)
        try put(verdict, into: object)
        put(timeout: timeout, into: object)
        finish(object)
    }

    /// Nor is its time.
    private mutating func put(timeout: UInt64?, into object: borrowing NftnlElement) {
        guard let timeout, change == .add else { return }
        object.set(NFTNL_SET_ELEM_TIMEOUT, milliseconds: timeout)
        byteEstimate += 12
    }

    /// Which verdict an element has is not asked when it is deleted.
    private mutating func put(_ verdict: Verdict?, into object: borrowing NftnlElement) throws(NetlinkError) {
        guard let verdict, change == .add else { return }
        object.set(NFTNL_SET_ELEM_VERDICT, UInt32(bitPattern: verdict.kernelCode))
        byteEstimate += 24
        if let chain = verdict.chain {
            object.set(NFTNL_SET_ELEM_CHAIN, try checked(chain))
            byteEstimate += 8 + chain.utf8.count
        }
    }

    private mutating func finish(_ object: consuming NftnlElement) {
        list.add(object)
        count += 1
        // Two keys, each in an attribute in an attribute, and the element's own header.
        byteEstimate += 40 + 2 * set.keyLength
    }
}

extension [UInt8] {
    fileprivate var number: UInt128 { reduce(0) { $0 << 8 | UInt128($1) } }

    /// Filled up to the next register.
    fileprivate var padded: [UInt8] { self + Array(repeating: 0, count: (4 - count % 4) % 4) }
}
