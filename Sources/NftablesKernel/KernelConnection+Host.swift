internal import Addressing
internal import CMnl
internal import CNftnl
internal import Glibc
public import HostRules
public import Nftables

/// Elements of one table of the family inet that are known from elsewhere, as of a generation: big sets take long to dump.
public struct KnownElements: Sendable {
    public var table: String
    public var generation: UInt32
    public var sets: [String: Elements]

    public init(table: String, generation: UInt32, sets: [String: Elements]) {
        self.table = table
        self.generation = generation
        self.sets = sets
    }
}

extension KernelConnection {
    /// All tables of all families, as they are at one generation. Elements that are known of it are not read again.
    public mutating func readHost(knowing known: KnownElements? = nil) throws(NetlinkError) -> HostRuleset {
        for attempt in 0..<Self.attempts {
            // The pauses grow: a burst of commits ends.
            if attempt > 0 { usleep(attempt * 1000) }
            let before = try generation()
            var ruleset: HostRuleset?
            do {
                ruleset = try readHost(at: before, known?.generation == before ? known : nil)
            } catch {
                // What was listed a moment ago may be gone.
                guard error.code == ENOENT, try generation() != before else { throw error }
            }
            if let ruleset, try generation() == before { return ruleset }
        }
        throw NetlinkError(operation: "list", object: "all tables", code: EINTR)
    }

    /// `nil` where somebody committed meanwhile.
    private mutating func readHost(
        at generation: UInt32, _ known: KnownElements?
    ) throws(NetlinkError) -> HostRuleset? {
        var reader = HostReader()
        var ends = [
            try dump(NFT_MSG_GETTABLE, "tables") { (family: UInt8, message: RawSpan) throws(MalformedMessage) in
                try reader.readTable(family, message)
            }
        ]
        ends.append(
            try dump(NFT_MSG_GETCHAIN, "chains") { (family: UInt8, message: RawSpan) throws(MalformedMessage) in
                try reader.readChain(family, message)
            })
        ends.append(
            try dump(NFT_MSG_GETRULE, "rules") { (family: UInt8, message: RawSpan) throws(MalformedMessage) in
                try reader.readRule(family, message)
            })
        ends.append(
            try dump(NFT_MSG_GETFLOWTABLE, "flowtables") { (family: UInt8, message: RawSpan) throws(MalformedMessage) in
                try reader.readFlowtable(family, message)
            })
        ends.append(
            try dump(NFT_MSG_GETSET, "sets") { (family: UInt8, message: RawSpan) throws(MalformedMessage) in
                try reader.readSet(family, message)
            })
        if ends.contains(.interrupted) { return nil }
        var sets: [HostReader.TableName: [HostSet]] = [:]
        for set in reader.sets {
            if let known, set.table == HostReader.TableName(family: .inet, name: known.table),
                let elements = known.sets[set.set.name]?.ofHost(keyLength: set.set.keyLength)
            {
                var whole = set.set
                whole.elements = elements
                sets[set.table, default: []].append(whole)
            } else {
                guard let whole = try readElements(of: set) else { return nil }
                sets[set.table, default: []].append(whole)
            }
        }
        return reader.ruleset(generation: generation, sets: sets)
    }

    /// Everything of one kind, of all families.
    mutating func dump(
        _ type: nf_tables_msg_types, _ object: String, _ body: (UInt8, RawSpan) throws(MalformedMessage) -> Void
    ) throws(NetlinkError) -> DumpEnd {
        try request(
            type, flags: NLM_F_DUMP, family: NFPROTO_UNSPEC, RequestAttributes([]), object: "\(object) of all tables",
            body)
    }

    private mutating func readElements(of set: HostSetReader) throws(NetlinkError) -> HostSet? {
        let attributes = RequestAttributes([
            (NFTA_SET_ELEM_LIST_TABLE.rawValue, set.table.name), (NFTA_SET_ELEM_LIST_SET.rawValue, set.set.name),
        ])
        for attempt in 0..<Self.attempts {
            if attempt > 0 { usleep(attempt * 1000) }
            var reader = set
            let end = try request(
                NFT_MSG_GETSETELEM, flags: NLM_F_DUMP, family: Int(set.table.family.rawValue), attributes,
                object: "elements of set \(set.set.name) of table \(set.table.family.word) \(set.table.name)"
            ) { (_: UInt8, message: RawSpan) throws(MalformedMessage) in try reader.read(message) }
            if end == .interrupted { return nil }
            if reader.finish() { return reader.set }
        }
        return nil
    }
}

extension Elements {
    /// As a dump would give them; `nil` where they are of another length.
    fileprivate func ofHost(keyLength: Int) -> [HostSet.Element]? {
        let elements: [HostSet.Element] =
            switch self {
            case .ipv4(let set):
                set.ranges.map { HostSet.Element(low: $0.lowerBound.networkOrder, high: $0.upperBound.networkOrder) }
            case .ipv6(let set):
                set.ranges.map { HostSet.Element(low: $0.lowerBound.networkOrder, high: $0.upperBound.networkOrder) }
            case .keyed(let elements):
                elements.map { element in
                    HostSet.Element(
                        low: element.key.padded(\.low), high: element.key.padded(\.high),
                        verdict: element.verdict.map(HostVerdict.init))
                }
            }
        return elements.allSatisfy { $0.low.count == keyLength && $0.high.count == keyLength } ? elements : nil
    }
}

extension [KeyField] {
    /// The fields of a concatenation are filled up to whole words; a single one is not.
    fileprivate func padded(_ end: KeyPath<KeyField, [UInt8]>) -> [UInt8] {
        if count == 1 { return self[0][keyPath: end] }
        return flatMap { field in
            let bytes = field[keyPath: end]
            return bytes + [UInt8](repeating: 0, count: (4 - bytes.count % 4) % 4)
        }
    }
}

extension HostVerdict {
    fileprivate init(_ verdict: Verdict) {
        switch verdict {
        case .accept: self = .accept
        case .drop: self = .drop
        case .return: self = .return
        case .jump(let chain): self = .jump(chain)
        case .goto(let chain): self = .goto(chain)
        }
    }
}
