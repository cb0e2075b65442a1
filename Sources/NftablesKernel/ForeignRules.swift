internal import Addressing
internal import CMnl
internal import CNftnl
internal import Glibc
internal import Nftables

/// Tables that are not ours, as the kernel's own messages, to be made in a network namespace where a policy is rehearsed. On a host
/// they are its owner's, and nothing of this program makes them.
public struct ForeignRules: Sendable, Equatable {
    struct Message: Sendable, Equatable {
        var type: UInt32
        /// `NFPROTO_*`
        var family: Int
        var attributes: NetlinkAttributes
        /// It is nothing without the one behind it: the kernel must be given both at once.
        var isBound = false
    }

    private(set) var messages: [Message] = []

    mutating func append(_ type: nf_tables_msg_types, family: Int, _ attributes: NetlinkAttributes) {
        append(Message(type: type.rawValue, family: family, attributes: attributes))
    }

    mutating func append(_ message: Message) { messages.append(message) }

    /// Of one batch: a socket of somebody without privilege takes little more at once (`net.core.wmem_max`).
    private static let batchSize = 64 << 10

    /// Makes all of them, in a namespace that is not this process's own. Where it throws some may have been made: it is of no use any more.
    public func load(into namespace: String) throws(NetlinkError) {
        try ForeignNamespace.demand(namespace, to: "load", "rules of others")
        var connection = try KernelConnection(namespace: namespace)
        var first = 0
        var size = 0
        for (index, message) in messages.enumerated() {
            guard message.attributes.bytes.count < Int(UInt16.max) else {
                throw NetlinkError(operation: "load", object: "rules of others", code: EMSGSIZE)
            }
            size += message.attributes.bytes.count
            guard !message.isBound, size > Self.batchSize || index == messages.count - 1 else { continue }
            try Self.send(messages[first...index], by: &connection)
            (first, size) = (index + 1, 0)
        }
    }

    /// What the kernel does not take is found by sending it again in the smallest batches that there are, and named.
    private static func send(
        _ messages: ArraySlice<Message>, by connection: inout KernelConnection
    ) throws(NetlinkError) {
        guard let refusal = refusal(of: messages, by: &connection) else { return }
        // The others leave open what has become of it.
        guard ![EPERM, ENOBUFS, ETIMEDOUT].contains(refusal.code) else { throw refusal }
        var first = messages.startIndex
        for (index, message) in zip(messages.indices, messages) where !message.isBound {
            if let refusal = Self.refusal(of: messages[first...index], by: &connection) {
                throw NetlinkError(
                    operation: "make", object: message.name, code: refusal.code, detail: refusal.detail)
            }
            first = index + 1
        }
    }

    private static func refusal(
        of messages: ArraySlice<Message>, by connection: inout KernelConnection
    ) -> NetlinkError? {
        do throws(NetlinkError) {
            try sendOnce(messages, by: &connection)
            return nil
        } catch {
            return error
        }
    }

    private static func sendOnce(
        _ messages: ArraySlice<Message>, by connection: inout KernelConnection
    ) throws(NetlinkError) {
        var batch = try Batch(Transaction(table: "of others"))
        for message in messages {
            try batch.append(
                nf_tables_msg_types(message.type), flags: NLM_F_CREATE | NLM_F_APPEND, family: message.family,
                change: -1, message.attributes)
        }
        try connection.send(try batch.finalize())
    }
}

/// Attributes of a netlink message, one after the other.
struct NetlinkAttributes: Sendable, Equatable, MessagePayload {
    private(set) var bytes: [UInt8] = []

    /// `NLA_F_NESTED` of `netlink.h`, a macro that Swift does not see.
    private static let isNested: UInt32 = 1 << 15

    init(_ body: (inout Self) -> Void = { _ in }) { body(&self) }

    /// A length, a type and the value, filled up to four bytes.
    mutating func put(_ type: UInt32, _ value: [UInt8]) {
        let length = UInt16(4 + value.count)
        for number in [length, UInt16(truncatingIfNeeded: type)] { bytes += number.machineOrder }
        bytes += value + Array(repeating: 0, count: (4 - value.count % 4) % 4)
    }

    /// Closed by a NUL.
    mutating func put(_ type: UInt32, _ text: String) { put(type, Array(text.utf8) + [0]) }

    /// In the network's order, as nf_tables has its numbers.
    mutating func put(_ type: UInt32, _ number: UInt32) { put(type, number.networkOrder) }

    mutating func nest(_ type: UInt32, _ body: (inout Self) -> Void) {
        put(type | Self.isNested, Self(body).bytes)
    }

    /// Attributes that are written already, each filled up to four bytes.
    mutating func put(_ attributes: [UInt8]) {
        bytes += attributes + Array(repeating: 0, count: (4 - attributes.count % 4) % 4)
    }

    func write(behind header: MessageHeader) { header.append(bytes) }
}
