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

    /// Of its socket, as a `RulesetCommit` has it; 0 before anything was asked.
    public var port: UInt32 { socket.port }

    /// The kernel leaves out zero (nf_tables_api.c, nf_tables_commit).
    public static func generation(after generation: UInt32) -> UInt32 { generation == .max ? 1 : generation + 1 }

    // MARK: Reading

    enum DumpEnd {
        case complete
        /// Somebody committed meanwhile: what was read is of two rulesets.
        case interrupted
    }

    /// Sends a request and gives each message of the answer to `body`, without its `nfgenmsg`.
    mutating func request(
        _ type: nf_tables_msg_types, flags: Int32, _ attributes: RequestAttributes, object: String,
        _ body: (RawSpan) throws(MalformedMessage) -> Void
    ) throws(NetlinkError) -> DumpEnd {
        lastSequence &+= 1
        let sequence = lastSequence
        var messages = MessageBuffer()
        try messages.append(.nftables(type, flags: flags), sequence: sequence, attributes)
        // A single object comes without an end: an acknowledgement makes one.
        if flags & NLM_F_DUMP == 0 { messages.acknowledgeLast() }
        try socket.send(messages)
        var end = DumpEnd.complete
        var refusal: Answer?
        // After an error the rest is still read: a dump that is left half read keeps the socket busy.
        var failure: MalformedMessage?
        var isLast = false
        while !isLast {
            switch try socket.receive(waiting: true) {
            case .nothing: throw NetlinkError(operation: "list", object: object, code: ETIMEDOUT)
            case .overrun: throw NetlinkError(operation: "list", object: object, code: ENOBUFS)
            case .bytes(let bytes):
                do {
                    var cursor = MessageCursor(bytes)
                    while let message = try cursor.next() {
                        guard message.sequence == sequence else { continue }
                        if Int32(message.flags) & NLM_F_DUMP_INTR != 0 { end = .interrupted }
                        if let answer = try Answer(message) {
                            isLast = true
                            if answer.code != 0 { refusal = answer }
                        } else if failure == nil {
                            try body(message.payload.withoutGenericHeader())
                        }
                    }
                } catch {
                    failure = failure ?? error
                }
            }
        }
        if let refusal {
            if refusal.code == EINTR { return .interrupted }
            throw NetlinkError(operation: "list", object: object, code: refusal.code, detail: refusal.detail)
        }
        if let failure {
            throw NetlinkError(operation: "list", object: object, code: EBADMSG, detail: failure.what)
        }
        return end
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
