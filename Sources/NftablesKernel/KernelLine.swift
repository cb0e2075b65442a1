internal import CMnl
internal import Glibc

/// A line to one of the kernel's parts.
struct KernelLine: ~Copyable {
    private var socket: NetlinkSocket
    private var lastSequence: UInt32 = 0

    private static var attempts: UInt32 { 20 }

    init(_ family: Int32) throws(NetlinkError) {
        socket = try NetlinkSocket(descriptor: NetlinkSocket.open(family))
    }

    /// Begins anew where something changed meanwhile.
    mutating func dump<Request: BitwiseCopyable>(
        _ type: UInt16, _ request: Request, _ object: String, into reader: inout NetworkReader,
        _ body: (inout NetworkReader, RawSpan) throws(MalformedMessage) -> Void
    ) throws(NetlinkError) {
        for attempt in 0..<Self.attempts {
            if attempt > 0 { usleep(attempt * 1000) }
            lastSequence &+= 1
            var messages = MessageBuffer()
            try messages.append(
                .request(type, flags: NLM_F_DUMP), sequence: lastSequence, StructurePayload(structure: request))
            var fresh = reader
            let end = try socket.exchange(messages, sequence: lastSequence, object: object) {
                (_: UInt16, message: RawSpan) throws(MalformedMessage) in try body(&fresh, message)
            }
            if end == .complete { return reader = fresh }
        }
        throw NetlinkError(operation: "list", object: object, code: EINTR)
    }

    /// Asks for one thing.
    mutating func ask(
        _ type: UInt16, _ request: borrowing some MessagePayload & ~Copyable, _ object: String,
        _ body: (RawSpan) throws(MalformedMessage) -> Void
    ) throws(NetlinkError) {
        lastSequence &+= 1
        var messages = MessageBuffer()
        try messages.append(.request(type, flags: 0), sequence: lastSequence, request)
        // A single object comes without an end: an acknowledgement makes one.
        messages.acknowledgeLast()
        _ = try socket.exchange(messages, sequence: lastSequence, object: object) {
            (_: UInt16, message: RawSpan) throws(MalformedMessage) in try body(message)
        }
    }
}
