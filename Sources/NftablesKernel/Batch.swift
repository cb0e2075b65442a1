internal import CLinux
internal import CMnl
internal import CNftnl
internal import Glibc
public import Nftables

/// A transaction as netlink messages. Only a `FinalizedBatch` can be sent.
public struct Batch: ~Copyable {
    let transaction: Transaction
    var messages = MessageBuffer()
    /// The change that each message belongs to, by sequence number; the first number is the batch's own header.
    var changes: [Int32] = [-1]
    /// Sets need a number that is their own in the batch; nothing refers to it, names do.
    var lastSetNumber: UInt32 = 0

    /// Encodes all changes of the transaction.
    public init(_ transaction: Transaction) throws(NetlinkError) {
        self.transaction = transaction
        try messages.append(.batchBegin(generation: transaction.generation), sequence: 0, NoPayload())
        for (index, change) in transaction.changes.enumerated() {
            do {
                try encode(change, index)
            } catch {
                throw NetlinkError(
                    operation: change.operation, object: change.object, code: error.code, origin: change.origin,
                    detail: error.detail, change: index)
            }
        }
    }

    /// Closes the batch.
    ///
    /// The last change asks for an acknowledgement. A kernel processes a batch within the caller's `sendmsg`, and has queued
    /// every answer when that returns: an error for each refused message (always, asked for or not), and this acknowledgement.
    /// So the acknowledgement with no error beside it means that the batch was read to its end and committed; when the commit
    /// itself fails, the kernel sends one more error that names the batch's header. An acknowledgement of `BATCH_END` would
    /// say it alone, but kernels before 6.10 never send it.
    public consuming func finalize() throws(NetlinkError) -> FinalizedBatch {
        messages.acknowledgeLast()
        try messages.append(.batchEnd, sequence: UInt32(changes.count), NoPayload())
        return FinalizedBatch(transaction: transaction, messages: messages, changes: changes)
    }

    /// Appends one message for a change.
    mutating func append(
        _ type: nf_tables_msg_types, flags: Int32, family: Int = NFPROTO_INET, change: Int,
        _ payload: borrowing some MessagePayload & ~Copyable
    ) throws(NetlinkError) {
        try messages.append(.nftables(type, flags: flags, family: family), sequence: UInt32(changes.count), payload)
        changes.append(Int32(change))
    }
}

/// A closed batch.
public struct FinalizedBatch: ~Copyable {
    let transaction: Transaction
    let messages: MessageBuffer
    let changes: [Int32]

    public var byteCount: Int { messages.count }

    var messageCount: Int { changes.count }

    /// The acknowledgement that proves success.
    var lastSequence: UInt32 { UInt32(changes.count - 1) }

    /// The change that an error with this sequence number is about; `nil` is the batch as a whole.
    func change(sequence: UInt32) -> Int? {
        guard sequence < changes.count else { return nil }
        let change = Int(changes[Int(sequence)])
        return change < 0 ? nil : change
    }
}
