internal import Docker
internal import HostRules
@testable internal import NftablesKernel
internal import Recording

/// The same bytes as a dump of all tables of a host, whoever made them.
struct HostReading {
    private var reader = HostReader()
    private var sets: [HostSetReader] = []

    /// Of anybody's rules; xtables' structures and what is no netfilter have choices of their own.
    mutating func read(_ bytes: [UInt8], _ choice: UInt8) throws(MalformedMessage) {
        // SAFETY: any bytes are read as bytes.
        let body = unsafe bytes.span.bytes
        switch choice {
        case 1...3, 5...7:
            for family in HostTable.Family.allCases { try? read(body, choice, family.rawValue) }
        case 8:
            for family in HostTable.Family.allCases {
                var decoder = InstructionDecoder(family)
                try? decoder.read(body)
            }
        case 4, 9, 10: break
        case 11: readXtables(bytes)
        case 13: makeAgain(bytes)
        case 12: readNetwork(body)
        default: try readMessages(body)
        }
    }

    private mutating func read(_ body: RawSpan, _ choice: UInt8, _ family: UInt8) throws(MalformedMessage) {
        switch choice {
        case 1: try reader.readTable(family, body)
        case 2: try reader.readChain(family, body)
        case 3: try reader.readRule(family, body)
        case 5: try reader.readFlowtable(family, body)
        case 6: sets.append(try HostSetReader(HostReader.family(family), body))
        case 7:
            for index in sets.indices { try sets[index].read(body) }
        case _: break
        }
    }

    private mutating func readMessages(_ bytes: RawSpan) throws(MalformedMessage) {
        var messages = MessageCursor(bytes)
        while let message = try messages.next() {
            if try Answer(message) != nil { continue }
            let family = try message.payload.byte(at: 0)
            let body = try message.payload.withoutGenericHeader()
            let choices: [UInt16: UInt8] = [0: 1, 3: 2, 6: 3, 9: 6, 12: 7, 22: 5]
            if let choice = choices[message.type & 0xff] { try read(body, choice, family) }
        }
    }

    /// A byte chooses the name, one the revision, and the rest is the structure.
    private func readXtables(_ bytes: [UInt8]) {
        guard bytes.count >= 2 else { return }
        let names = [
            "conntrack", "state", "addrtype", "tcp", "udp", "sctp", "multiport", "iprange", "mark", "DNAT", "REDIRECT",
            "CT",
        ]
        for family in HostTable.Family.allCases {
            let blob = XtablesBlob(
                name: names[Int(bytes[0]) % names.count], revision: UInt32(bytes[1] % 4), family: family,
                Array(bytes.dropFirst(2)))
            precondition(!blob.matches.isEmpty, "a match is dropped")
            _ = blob.target
        }
    }

    /// Messages of a recording: a byte chooses the part, two are the length, the lower first.
    private func makeAgain(_ bytes: [UInt8]) {
        var rest = bytes[...]
        var messages: [TableDump.Message] = []
        while rest.count > 3 {
            let part = TableDump.Part.allCases[Int(rest[rest.startIndex]) % TableDump.Part.allCases.count]
            let length = Int(rest[rest.startIndex + 1]) | Int(rest[rest.startIndex + 2]) << 8
            messages.append(TableDump.Message(part, .ip, Array(rest.dropFirst(3).prefix(length))))
            rest = rest.dropFirst(3 + length)
        }
        let tables = TableDump(messages)
        let recording = Recording(inventory: Inventory(), interfaces: [], tables: tables)
        let isMadeAgain = (try? ForeignRules(tables)) != nil
        precondition(
            (try? Recording(bytes: recording.encoded())) == (isMadeAgain ? recording : nil), "a recording is another")
    }

    private func readNetwork(_ body: RawSpan) {
        var reader = NetworkReader()
        try? reader.readLink(body)
        try? reader.readAddress(body)
        try? reader.readRoute(body)
        try? reader.readSocket(.tcp, body)
    }

    mutating func examine() {
        var whole: [HostReader.TableName: [HostSet]] = [:]
        for index in sets.indices {
            guard sets[index].finish() else { continue }
            let set = sets[index].set
            for element in set.elements {
                precondition(!element.high.lexicographicallyPrecedes(element.low) || set.fieldLengths.count > 1)
            }
            whole[sets[index].table, default: []].append(set)
        }
        _ = reader.ruleset(generation: 0, sets: whole)
    }
}
