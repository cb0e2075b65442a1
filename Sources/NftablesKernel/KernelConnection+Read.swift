internal import CMnl
internal import CNftnl
internal import Glibc
public import Nftables

extension KernelConnection {
    /// How often a read begins anew because somebody committed meanwhile. Docker commits in bursts of a few milliseconds.
    static var attempts: UInt32 { 20 }

    public enum ElementReading: Sendable {
        case all
        /// Sets are left empty, save for those whose elements go by themselves: for a look at a table whose sets are large.
        case none
    }

    /// The number that every commit in this network namespace counts up, whoever makes it.
    public mutating func generation() throws(NetlinkError) -> UInt32 {
        var generation: UInt32?
        _ = try request(NFT_MSG_GETGEN, flags: 0, RequestAttributes([]), object: "generation") {
            (message: RawSpan) throws(MalformedMessage) in
            var attributes = AttributeCursor(message)
            while let attribute = try attributes.next() {
                if attribute.type == NFTA_GEN_ID.rawValue { generation = try attribute.payload.networkOrder() }
            }
        }
        guard let generation else {
            throw NetlinkError(operation: "list", object: "generation", code: EBADMSG, detail: "there is none in it")
        }
        return generation
    }

    /// The table as it is at one generation; `nil` where there is none of that name.
    public mutating func readTable(
        named name: String, elements: ElementReading = .all
    ) throws(NetlinkError) -> ObservedTable? {
        for attempt in 0..<Self.attempts {
            // The pauses grow: a burst of commits ends.
            if attempt > 0 { usleep(attempt * 1000) }
            let before = try generation()
            var reader = TableReader(name)
            let end: DumpEnd
            do {
                end = try read(into: &reader, elements)
            } catch {
                // What was listed a moment ago may be gone.
                guard error.code == ENOENT, try generation() != before else { throw error }
                continue
            }
            guard end == .complete, try generation() == before else { continue }
            return reader.isFound ? reader.observed(generation: before) : nil
        }
        throw NetlinkError(operation: "list", object: "table \(name)", code: EINTR)
    }

    /// The table without anything that is in it. It comes in one message, so no commit of somebody else interrupts it.
    public mutating func readHeader(ofTable name: String) throws(NetlinkError) -> Table? {
        var reader = TableReader(name)
        return try readTable(into: &reader) ? Table(name: name, comment: reader.comment) : nil
    }

    /// What the named counters of the table have counted; `nil` where there is no such table.
    public mutating func readCounters(table name: String) throws(NetlinkError) -> [String: CounterReading]? {
        for attempt in 0..<Self.attempts {
            if attempt > 0 { usleep(attempt * 1000) }
            var reader = TableReader(name)
            guard try readTable(into: &reader) else { return nil }
            let filter = RequestAttributes([(NFTA_OBJ_TABLE.rawValue, name)])
            let end: DumpEnd
            do {
                end = try request(NFT_MSG_GETOBJ, flags: NLM_F_DUMP, filter, object: "counters of table \(name)") {
                    (message: RawSpan) throws(MalformedMessage) in try reader.readObject(message)
                }
            } catch {
                // The table went after it was seen.
                guard error.code == ENOENT else { throw error }
                continue
            }
            if end == .complete { return reader.readings }
        }
        throw NetlinkError(operation: "list", object: "counters of table \(name)", code: EINTR)
    }

    private mutating func readTable(into reader: inout TableReader) throws(NetlinkError) -> Bool {
        let name = RequestAttributes([(NFTA_TABLE_NAME.rawValue, reader.name)])
        do {
            _ = try request(NFT_MSG_GETTABLE, flags: 0, name, object: "table \(reader.name)") {
                (message: RawSpan) throws(MalformedMessage) in try reader.readTable(message)
            }
        } catch {
            if error.code == ENOENT { return false }
            throw error
        }
        return reader.isFound
    }

    private mutating func read(
        into reader: inout TableReader, _ elements: ElementReading
    ) throws(NetlinkError) -> DumpEnd {
        guard try readTable(into: &reader) else { return .complete }
        let name = reader.name
        let table = "table \(name)"
        // Kernels cannot pick the chains of one table; the reader does.
        var ends = [
            try request(NFT_MSG_GETCHAIN, flags: NLM_F_DUMP, RequestAttributes([]), object: "chains of \(table)") {
                (message: RawSpan) throws(MalformedMessage) in try reader.readChain(message)
            }
        ]
        ends.append(
            try request(
                NFT_MSG_GETRULE, flags: NLM_F_DUMP, RequestAttributes([(NFTA_RULE_TABLE.rawValue, name)]),
                object: "rules of \(table)"
            ) { (message: RawSpan) throws(MalformedMessage) in try reader.readRule(message) })
        ends.append(
            try request(
                NFT_MSG_GETOBJ, flags: NLM_F_DUMP, RequestAttributes([(NFTA_OBJ_TABLE.rawValue, name)]),
                object: "objects of \(table)"
            ) { (message: RawSpan) throws(MalformedMessage) in try reader.readObject(message) })
        ends.append(
            try request(
                NFT_MSG_GETFLOWTABLE, flags: NLM_F_DUMP, RequestAttributes([(NFTA_FLOWTABLE_TABLE.rawValue, name)]),
                object: "flowtables of \(table)"
            ) { (message: RawSpan) throws(MalformedMessage) in try reader.readFlowtable(message) })
        ends.append(
            try request(
                NFT_MSG_GETSET, flags: NLM_F_DUMP, RequestAttributes([(NFTA_SET_TABLE.rawValue, name)]),
                object: "sets of \(table)"
            ) { (message: RawSpan) throws(MalformedMessage) in try reader.readSet(message) })
        for index in reader.sets.indices {
            switch elements {
            // What goes by itself is never known without a look.
            case .none where !reader.sets[index].timesOut: continue
            case .none, .all: break
            }
            // After an interruption everything is read anew.
            if ends.contains(.interrupted) { return .interrupted }
            ends.append(try readElements(of: index, into: &reader))
        }
        return ends.contains(.interrupted) ? .interrupted : .complete
    }

    private mutating func readElements(
        of index: Int, into reader: inout TableReader
    ) throws(NetlinkError) -> DumpEnd {
        let set = reader.sets[index].header
        let attributes = RequestAttributes([
            (NFTA_SET_ELEM_LIST_TABLE.rawValue, reader.name), (NFTA_SET_ELEM_LIST_SET.rawValue, set.name),
        ])
        for attempt in 0..<Self.attempts {
            if attempt > 0 { usleep(attempt * 1000) }
            var elements = ElementReader(set)
            let end = try request(
                NFT_MSG_GETSETELEM, flags: NLM_F_DUMP, attributes, object: "elements of \(set.word) \(set.name)"
            ) { (message: RawSpan) throws(MalformedMessage) in try elements.read(message) }
            if end == .interrupted { return end }
            reader.sets[index].elements = elements.elements()
            guard !elements.isTorn else { continue }
            for text in elements.notes.sorted() { reader.note(.set(set.name), text) }
            return .complete
        }
        return .interrupted
    }
}

/// The names that a request is about.
struct RequestAttributes: MessagePayload {
    private let names: [(attribute: UInt32, text: String)]

    init(_ names: [(attribute: UInt32, text: String)]) { self.names = names }

    func write(behind header: MessageHeader) {
        // No longer than the kernel reads them: there is room for it.
        for name in names { header.put(name.attribute, String(name.text.prefix(Int(NFT_NAME_MAXLEN)))) }
    }
}
