internal import CMnl
internal import CNftnl
internal import Glibc
internal import HostRules

extension KernelConnection {
    /// The tables in which Docker has its rules, whole, as they are at one generation; empty where it has none. Nothing says whose a rule of
    /// iptables is, so that what others have in the same tables is among it.
    public mutating func readDockerTables() throws(NetlinkError) -> TableDump {
        for attempt in 0..<Self.attempts {
            if attempt > 0 { usleep(attempt * 1000) }
            let before = try generation()
            var found: TableDump?
            do {
                found = try dumpDockerTables()
            } catch {
                // What was listed a moment ago may be gone.
                guard error.code == ENOENT, try generation() != before else { throw error }
            }
            if let found, try generation() == before { return found }
        }
        throw NetlinkError(operation: "list", object: "Docker's tables", code: EINTR)
    }

    private static var requests: [(part: TableDump.Part, type: nf_tables_msg_types)] {
        [
            (.table, NFT_MSG_GETTABLE), (.chain, NFT_MSG_GETCHAIN), (.object, NFT_MSG_GETOBJ), (.set, NFT_MSG_GETSET),
            (.rule, NFT_MSG_GETRULE),
        ]
    }

    /// `nil` where somebody committed meanwhile.
    private mutating func dumpDockerTables() throws(NetlinkError) -> TableDump? {
        var reader = DumpReader()
        for (part, type) in Self.requests {
            let end = try dump(type, "\(part.rawValue)s") {
                (family: UInt8, message: RawSpan) throws(MalformedMessage) in
                try reader.read(part, family, message)
            }
            if end == .interrupted { return nil }
            guard part == .set else { continue }
            for set in reader.setsOfDocker {
                let name = RequestAttributes([
                    (NFTA_SET_ELEM_LIST_TABLE.rawValue, set.table.name), (NFTA_SET_ELEM_LIST_SET.rawValue, set.name),
                ])
                let end = try request(
                    NFT_MSG_GETSETELEM, flags: NLM_F_DUMP, family: Int(set.table.family.rawValue), name,
                    object: "elements of set \(set.name) of table \(set.table.family.word) \(set.table.name)"
                ) { (family: UInt8, message: RawSpan) throws(MalformedMessage) in
                    try reader.read(.elements, family, message)
                }
                if end == .interrupted { return nil }
            }
        }
        return TableDump(reader.messagesOfDocker)
    }
}

/// Sorts out what is Docker's.
private struct DumpReader {
    struct SetName {
        var table: HostReader.TableName
        var name: String
    }

    private var messages: [(table: HostReader.TableName, message: TableDump.Message)] = []
    private var hasChains = false
    private(set) var sets: [SetName] = []

    /// Chains of Docker's name make the tables of iptables Docker's.
    var messagesOfDocker: [TableDump.Message] { messages.filter { isDockers($0.table) }.map(\.message) }
    var setsOfDocker: [SetName] { sets.filter { isDockers($0.table) } }

    private func isDockers(_ table: HostReader.TableName) -> Bool { hasChains || TableDump.isDockersOwn(table) }

    mutating func read(_ part: TableDump.Part, _ family: UInt8, _ message: RawSpan) throws(MalformedMessage) {
        guard let family = HostTable.Family(rawValue: family) else { return }
        let name = try PartName(part, message)
        let table = HostReader.TableName(family: family, name: name.table)
        guard TableDump.mayBeDockers(table) else { return }
        switch part {
        case .chain where name.name.hasPrefix("DOCKER"): hasChains = true
        case .set: sets.append(SetName(table: table, name: name.name))
        case .table, .chain, .object, .elements, .rule: break
        }
        messages.append((table, TableDump.Message(part, family, message.array())))
    }
}
