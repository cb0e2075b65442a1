internal import CMnl
internal import Glibc

/// Bytes of the kernel that are not what netlink says they are.
struct MalformedMessage: Error, Equatable {
    let what: String

    init(_ what: String) { self.what = what }
}

/// One attribute: a view of the bytes that were received.
struct Attribute: ~Escapable {
    let type: UInt32
    let payload: RawSpan

    @_lifetime(copy payload)
    init(type: UInt32, payload: RawSpan) {
        self.type = type
        self.payload = payload
    }
}

/// Goes through the attributes of a message or of a nest, and throws where one does not lie wholly inside.
struct AttributeCursor: ~Escapable {
    private var rest: RawSpan

    @_lifetime(copy bytes)
    init(_ bytes: RawSpan) { rest = bytes }

    @_lifetime(copy self)
    mutating func next() throws(MalformedMessage) -> Attribute? {
        if rest.isEmpty { return nil }
        let header = MemoryLayout<nlattr>.size
        let length = Int(try rest.hostUInt16(at: 0))
        let type = try rest.hostUInt16(at: MemoryLayout<UInt16>.size)
        guard length >= header, length <= rest.byteCount else { throw MalformedMessage("an attribute's length") }
        let attribute = Attribute(
            type: UInt32(type & ~UInt16(NLA_F_NESTED | NLA_F_NET_BYTEORDER)), payload: rest.extracting(header..<length))
        let alignment = Int(NLA_ALIGNTO)
        // The last attribute need not be filled up.
        let padded = min((length + alignment - 1) / alignment * alignment, rest.byteCount)
        rest = rest.extracting(padded..<rest.byteCount)
        return attribute
    }
}

/// One netlink message: a view of the bytes that were received.
struct ReceivedMessage: ~Escapable {
    let type: UInt16
    let flags: UInt16
    let sequence: UInt32
    /// Of the socket that asked for it, or caused it.
    let port: UInt32
    let payload: RawSpan

    @_lifetime(copy payload)
    init(header: nlmsghdr, payload: RawSpan) {
        type = header.nlmsg_type
        flags = header.nlmsg_flags
        sequence = header.nlmsg_seq
        port = header.nlmsg_pid
        self.payload = payload
    }
}

/// Goes through the messages of one datagram.
struct MessageCursor: ~Escapable {
    private var rest: RawSpan

    @_lifetime(copy bytes)
    init(_ bytes: RawSpan) { rest = bytes }

    @_lifetime(copy self)
    mutating func next() throws(MalformedMessage) -> ReceivedMessage? {
        if rest.isEmpty { return nil }
        let size = MemoryLayout<nlmsghdr>.size
        guard rest.byteCount >= size else { throw MalformedMessage("a message shorter than its header") }
        // SAFETY: the bytes are there, and any bytes are a valid nlmsghdr, which is all integers.
        let header = unsafe rest.unsafeLoadUnaligned(as: nlmsghdr.self)
        let length = Int(header.nlmsg_len)
        guard length >= size, length <= rest.byteCount else { throw MalformedMessage("a message's length") }
        let message = ReceivedMessage(header: header, payload: rest.extracting(size..<length))
        let alignment = Int(NLMSG_ALIGNTO)
        let padded = min((length + alignment - 1) / alignment * alignment, rest.byteCount)
        rest = rest.extracting(padded..<rest.byteCount)
        return message
    }
}

/// Goes through what nft keeps for itself: a byte of type, a byte of length, and so many bytes. Others may keep anything there.
struct UserDataCursor: ~Escapable {
    private var rest: RawSpan

    @_lifetime(copy bytes)
    init(_ bytes: RawSpan) { rest = bytes }

    @_lifetime(copy self)
    mutating func next() throws(MalformedMessage) -> Attribute? {
        if rest.isEmpty { return nil }
        let type = try rest.byte(at: 0)
        let end = 2 + Int(try rest.byte(at: 1))
        guard end <= rest.byteCount else { throw MalformedMessage("the length of user data") }
        let attribute = Attribute(type: UInt32(type), payload: rest.extracting(2..<end))
        rest = rest.extracting(end..<rest.byteCount)
        return attribute
    }
}

extension RawSpan {
    /// Gives each item of nft's user data to `body`; `false` where it is not nft's, which is no reason to read no further.
    func readUserData(_ body: (UInt32, RawSpan) -> Void) -> Bool {
        var items = UserDataCursor(self)
        do {
            while let item = try items.next() { body(item.type, item.payload) }
            return true
        } catch {
            return false
        }
    }
}
