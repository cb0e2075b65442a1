internal import CMnl
internal import CNftnl
internal import Glibc

/// The kernel's word that it has done with a request: an error, an acknowledgement or the end of a dump.
struct Answer {
    /// The `errno`, or 0.
    let code: Int32
    /// What the kernel says beside the number.
    var detail: String?

    /// `nil` where the message is none.
    init?(_ message: borrowing ReceivedMessage) throws(MalformedMessage) {
        let type = Int32(message.type)
        if type == NLMSG_DONE {
            code = message.payload.isEmpty ? 0 : 0 &- (try message.payload.hostInt32(at: 0))
            return
        }
        if type == NLMSG_OVERRUN {
            code = ENOBUFS
            return
        }
        guard type == NLMSG_ERROR else { return nil }
        code = 0 &- (try message.payload.hostInt32(at: 0))
        guard Int32(message.flags) & Int32(NLM_F_ACK_TLVS) != 0 else { return }
        // The attributes follow the header of the message that the answer is about, and that message where it is not capped.
        var length = MemoryLayout<nlmsgerr>.size
        if Int32(message.flags) & Int32(NLM_F_CAPPED) == 0 {
            let original = Int(UInt32(bitPattern: try message.payload.hostInt32(at: MemoryLayout<Int32>.size)))
            length = max(length, MemoryLayout<Int32>.size + original)
        }
        guard length <= message.payload.byteCount else { throw MalformedMessage("the length of an error") }
        var attributes = AttributeCursor(message.payload.extracting(length..<message.payload.byteCount))
        while let attribute = try attributes.next() {
            if attribute.type == NLMSGERR_ATTR_MSG.rawValue { detail = attribute.payload.text() }
        }
    }
}

extension RawSpan {
    /// The attributes behind the `nfgenmsg` with which every message of netfilter begins.
    @_lifetime(copy self)
    func withoutGenericHeader() throws(MalformedMessage) -> RawSpan {
        let size = MemoryLayout<nfgenmsg>.size
        guard byteCount >= size else { throw MalformedMessage("a message shorter than its header") }
        return extracting(size..<byteCount)
    }
}
