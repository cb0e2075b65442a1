internal import CMnl
internal import Glibc

enum DumpEnd {
    case complete
    /// Somebody committed meanwhile: what was read is of two states.
    case interrupted
}

extension NetlinkSocket {
    /// Sends one request and gives each message of the answer to `body`, with its type.
    mutating func exchange(
        _ request: borrowing MessageBuffer, sequence: UInt32, object: String,
        _ body: (UInt16, RawSpan) throws(MalformedMessage) -> Void
    ) throws(NetlinkError) -> DumpEnd {
        try send(request)
        var end = DumpEnd.complete
        var refusal: Answer?
        // After an error the rest is still read: a dump that is left half read keeps the socket busy.
        var failure: MalformedMessage?
        var isLast = false
        while !isLast {
            switch try receive(waiting: true) {
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
                            try body(message.type, message.payload)
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
}
