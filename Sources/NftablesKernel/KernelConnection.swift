internal import CLinux
internal import CMnl
internal import CNftnl
internal import Glibc
public import Nftables

/// A line to the nf_tables of one network namespace: the only door to the kernel.
public struct KernelConnection: ~Copyable, Sendable {
    private var socket: NetlinkSocket
    private var lastSequence: UInt32 = 0

    /// Opens it in the network namespace that the file stands for (`/run/netns/NAME`), or in this process's own.
    public init(namespace: String? = nil) throws(NetlinkError) {
        if let namespace {
            socket = try NetlinkSocket(namespace: namespace)
        } else {
            socket = try NetlinkSocket()
        }
    }

    /// The network namespace as a number that one boot never gives twice; `nil` before Linux 5.14.
    public var namespaceCookie: UInt64? { socket.namespaceCookie }

    /// Whether the network namespace has an interface of this name.
    public func hasInterface(named name: String) throws(NetlinkError) -> Bool { try socket.hasInterface(named: name) }

    /// Of its socket, as a `RulesetCommit` has it; 0 before anything was asked.
    public var port: UInt32 { socket.port }

    /// The kernel leaves out zero (nf_tables_api.c, nf_tables_commit).
    public static func generation(after generation: UInt32) -> UInt32 { generation == .max ? 1 : generation + 1 }

    // MARK: Reading

    /// Sends a request and gives each message of the answer to `body`, without its `nfgenmsg`.
    mutating func request(
        _ type: nf_tables_msg_types, flags: Int32, _ attributes: RequestAttributes, object: String,
        _ body: (RawSpan) throws(MalformedMessage) -> Void
    ) throws(NetlinkError) -> DumpEnd {
        try request(type, flags: flags, family: NFPROTO_INET, attributes, object: object) {
            (_: UInt8, message: RawSpan) throws(MalformedMessage) in try body(message)
        }
    }

    /// The same of any family, or of all where it is `NFPROTO_UNSPEC`; `body` is told of which each message is.
    mutating func request(
        _ type: nf_tables_msg_types, flags: Int32, family: Int, _ attributes: RequestAttributes, object: String,
        _ body: (UInt8, RawSpan) throws(MalformedMessage) -> Void
    ) throws(NetlinkError) -> DumpEnd {
        lastSequence &+= 1
        var messages = MessageBuffer()
        try messages.append(.nftables(type, flags: flags, family: family), sequence: lastSequence, attributes)
        // A single object comes without an end: an acknowledgement makes one.
        if flags & NLM_F_DUMP == 0 { messages.acknowledgeLast() }
        return try socket.exchange(messages, sequence: lastSequence, object: object) {
            (_: UInt16, message: RawSpan) throws(MalformedMessage) in
            try body(try message.byte(at: 0), try message.withoutGenericHeader())
        }
    }

    // MARK: Writing

    /// Makes all the changes, or none and throws.
    public mutating func commit(_ transaction: Transaction) throws(NetlinkError) {
        if transaction.isEmpty { return }
        let batch = try Batch(transaction)
        try send(try batch.finalize())
    }

    /// Sends a batch and learns from the kernel's answers what became of it; `Batch.finalize` says why they are all there.
    public mutating func send(_ batch: consuming FinalizedBatch) throws(NetlinkError) {
        socket.makeRoom(sending: batch.byteCount, answers: batch.messageCount)
        try drain()
        try socket.send(batch.messages)
        var verdict = BatchVerdict()
        var waiting = true
        while true {
            switch try socket.receive(waiting: waiting) {
            case .nothing: return try verdict.conclude(batch)
            case .overrun: verdict.isIncomplete = true
            case .bytes(let bytes):
                // What cannot be read counts as lost.
                do { try verdict.read(bytes, batch) } catch { verdict.isIncomplete = true }
            }
            waiting = false
        }
    }

    /// Answers that nobody waited for must not be taken for those of the next batch.
    private mutating func drain() throws(NetlinkError) {
        while true {
            if case .nothing = try socket.receive(waiting: false) { return }
        }
    }
}

/// What the kernel's answers to one batch say together.
private struct BatchVerdict {
    var isIncomplete = false
    private var isAcknowledged = false
    private var first: (answer: Answer, sequence: UInt32)?
    private var errors = 0

    mutating func read(_ bytes: RawSpan, _ batch: borrowing FinalizedBatch) throws(MalformedMessage) {
        var cursor = MessageCursor(bytes)
        while let message = try cursor.next() {
            guard let answer = try Answer(message) else { continue }
            if answer.code == 0 {
                if message.sequence == batch.lastSequence { isAcknowledged = true }
                continue
            }
            errors += 1
            if first == nil { first = (answer, message.sequence) }
        }
    }

    func conclude(_ batch: borrowing FinalizedBatch) throws(NetlinkError) {
        let all = "table \(batch.transaction.table)"
        if let first {
            let index = batch.change(sequence: first.sequence)
            let change = index.map { batch.transaction.changes[$0] }
            throw NetlinkError(
                operation: change?.operation ?? "change", object: change?.object ?? all, code: first.answer.code,
                origin: change?.origin, detail: first.answer.detail, change: index, furtherErrors: errors - 1)
        }
        if isIncomplete { throw NetlinkError(operation: "change", object: all, code: ENOBUFS) }
        if !isAcknowledged { throw NetlinkError(operation: "change", object: all, code: ETIMEDOUT) }
    }
}
