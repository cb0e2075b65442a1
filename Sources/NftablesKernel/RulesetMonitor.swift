internal import CLinux
internal import CMnl
internal import CNftnl
internal import Glibc

/// One commit that somebody made to the tables of a network namespace.
public struct RulesetCommit: Hashable, Sendable {
    /// Who made it, as the kernel says: the name is the thread's (`comm`), the number is counted in the machine's own PID namespace.
    public struct Author: Hashable, Sendable, CustomStringConvertible {
        public var name: String
        public var process: UInt32

        public var description: String { "\(name) (pid \(process))" }
    }

    /// That it led to.
    public var generation: UInt32
    public var author: Author?
    /// Of the netlink socket that it came through.
    public var port: UInt32
    /// Whether anything in the table of the monitor was made, changed or deleted, or the table itself.
    public var isConcerned: Bool
}

/// Hears of every commit to the tables of a network namespace, from the moment it is made.
public struct RulesetMonitor: ~Copyable, Sendable {
    public enum Report: Hashable, Sendable {
        case commit(RulesetCommit)
        /// More was said than there was room for: anything may have happened.
        case overrun
    }

    private var socket: NetlinkSocket
    private var reader: CommitReader

    /// For the table `inet` of this name, in the network namespace that the file stands for, or in this process's own.
    public init(table: String, namespace: String? = nil) throws(NetlinkError) {
        reader = CommitReader(table: table)
        socket = try Self.open(namespace)
    }

    private static func open(_ namespace: String?) throws(NetlinkError) -> NetlinkSocket {
        if let namespace {
            let socket = try NetlinkSocket(namespace: namespace)
            try socket.join(NFNLGRP_NFTABLES.rawValue)
            return socket
        }
        let socket = try NetlinkSocket()
        try socket.join(NFNLGRP_NFTABLES.rawValue)
        return socket
    }

    /// Readable when there is a report.
    public var descriptor: Int32 { socket.descriptor }

    /// What one call takes in at the most, so that it ends however much others commit. The rest stays readable.
    private static let datagrams = 256

    /// What has come since the last call, or as much of it as one call takes.
    public mutating func take() throws(NetlinkError) -> [Report] {
        // A view of the socket's page may not be held beside another of this value.
        var reader = reader
        defer { self.reader = reader.withoutReports }
        for _ in 0..<Self.datagrams {
            switch try socket.receive(waiting: false) {
            case .nothing: return reader.reports
            case .overrun: reader.reports.append(.overrun)
            case .bytes(let bytes):
                // What cannot be read may be anything.
                do { try reader.read(bytes) } catch { reader.reports.append(.overrun) }
            }
        }
        return reader.reports
    }
}

/// Reads the notifications of one datagram. Those of a commit come first, and its generation ends them.
struct CommitReader {
    let table: String
    /// Whether the commit whose messages are coming concerns the table.
    private var isConcerned = false
    var reports: [RulesetMonitor.Report] = []

    init(table: String) { self.table = table }

    var withoutReports: Self {
        var reader = self
        reader.reports = []
        return reader
    }

    mutating func read(_ bytes: RawSpan) throws(MalformedMessage) {
        var messages = MessageCursor(bytes)
        while let message = try messages.next() {
            guard Int32(message.type) >> 8 == Int32(NFNL_SUBSYS_NFTABLES) else { continue }
            if UInt32(message.type) & 0xff == NFT_MSG_NEWGEN.rawValue {
                let attributes = try message.payload.withoutGenericHeader()
                reports.append(.commit(try commit(AttributeCursor(attributes), port: message.port)))
                isConcerned = false
            } else if !isConcerned {
                isConcerned = try concerns(message.payload)
            }
        }
    }

    private func commit(
        _ attributes: consuming AttributeCursor, port: UInt32
    ) throws(MalformedMessage) -> RulesetCommit {
        var generation: UInt32 = 0
        var (name, process): (String?, UInt32?) = (nil, nil)
        while let attribute = try attributes.next() {
            switch attribute.type {
            case NFTA_GEN_ID.rawValue: generation = try attribute.payload.networkOrder()
            case NFTA_GEN_PROC_PID.rawValue: process = try attribute.payload.networkOrder()
            case NFTA_GEN_PROC_NAME.rawValue: name = attribute.payload.text()
            case _: break
            }
        }
        var commit = RulesetCommit(generation: generation, port: port, isConcerned: isConcerned)
        if let name, let process { commit.author = .init(name: name.printable, process: process) }
        return commit
    }

    /// Of tables, chains, rules, sets, elements, objects and flowtables alike, the first attribute is the table's name.
    private func concerns(_ payload: RawSpan) throws(MalformedMessage) -> Bool {
        guard Int32(try payload.byte(at: 0)) == NFPROTO_INET else { return false }
        var attributes = AttributeCursor(try payload.withoutGenericHeader())
        while let attribute = try attributes.next() {
            if attribute.type == NFTA_TABLE_NAME.rawValue { return attribute.payload.text() == table }
        }
        return false
    }
}

extension String {
    /// A process can call itself anything; nothing of it may move a terminal's cursor.
    fileprivate var printable: String {
        String(String.UnicodeScalarView(unicodeScalars.map { $0.value < 0x20 || $0.value == 0x7f ? "?" : $0 }))
    }
}
