internal import CLinux
internal import CMnl
internal import CNftnl
internal import Glibc

/// Netlink messages one after the other in one piece of memory, as `sendmsg` wants them.
///
/// Each message is built in place at the end. It grows by `realloc`, which moves pages and copies nothing once it is large.
@safe
struct MessageBuffer: ~Copyable {
    /// libnftnl writes without asking for the room that is left, so there is always this much: what an attribute can hold at
    /// most (its length has 16 bits), and as much again for all else. Who builds a message keeps within it.
    static let roomForMessage = 2 * (Int(UInt16.max) + 1)

    private var base: UnsafeMutableRawPointer?
    private var capacity = 0
    private(set) var count = 0
    /// Where the last message begins.
    private var last = 0

    init() { unsafe base = nil }

    // SAFETY: `base` came from realloc, and nobody else keeps it.
    deinit { unsafe free(base) }

    /// What a message is: its header, and the attributes that follow it.
    enum Message {
        case batchBegin(generation: UInt32?)
        case batchEnd
        case nftables(nf_tables_msg_types, flags: Int32, family: Int = NFPROTO_INET)
        /// Of another part of the kernel.
        case request(UInt16, flags: Int32)
    }

    /// Builds one message at the end.
    mutating func append(
        _ message: Message, sequence: UInt32, _ payload: borrowing some MessagePayload & ~Copyable
    ) throws(NetlinkError) {
        try makeRoom()
        // SAFETY: makeRoom left room for any message behind `count`, and payloads keep within it.
        guard let end = unsafe base?.advanced(by: count).assumingMemoryBound(to: CChar.self),
            let pointer = unsafe message.buildHeader(at: end, sequence: sequence)
        else { throw .outOfMemory }
        let header = unsafe MessageHeader(pointer: pointer)
        if case .batchBegin(let generation?) = message { header.put(NFNL_BATCH_GENID.rawValue, generation) }
        payload.write(behind: header)
        last = count
        count += aligned(header.length)
    }

    /// Has the kernel answer the last message even where it accepts it.
    mutating func acknowledgeLast() {
        guard count > last else { return }
        // SAFETY: a message begins at `last`: it has a header, and messages are aligned.
        unsafe base?.advanced(by: last).assumingMemoryBound(to: nlmsghdr.self).pointee.nlmsg_flags |= UInt16(NLM_F_ACK)
    }

    private mutating func makeRoom() throws(NetlinkError) {
        guard capacity - count < Self.roomForMessage else { return }
        let larger = max(2 * capacity, 2 * Self.roomForMessage)
        // SAFETY: `base` is this buffer's own; on failure it stays valid and is kept.
        guard let moved = unsafe realloc(base, larger) else { throw .outOfMemory }
        unsafe base = moved
        capacity = larger
    }

    /// The bytes, for as long as `body` runs.
    func withBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        // SAFETY: `count` bytes of `base` are written, and `self` is borrowed while `body` runs.
        unsafe body(UnsafeRawBufferPointer(start: base, count: count))
    }
}

extension MessageBuffer.Message {
    fileprivate func buildHeader(
        at end: UnsafeMutablePointer<CChar>, sequence: UInt32
    ) -> UnsafeMutablePointer<nlmsghdr>? {
        // SAFETY: the caller has room for a message at `end`.
        switch self {
        case .batchBegin: unsafe nftnl_batch_begin(end, sequence)
        case .batchEnd: unsafe nftnl_batch_end(end, sequence)
        case .nftables(let type, let flags, let family):
            unsafe nftnl_nlmsg_build_hdr(end, UInt16(type.rawValue), UInt16(family), UInt16(flags), sequence)
        case .request(let type, let flags): unsafe Self.header(end, type, UInt16(NLM_F_REQUEST | flags), sequence)
        }
    }
}

extension MessageBuffer.Message {
    private static func header(
        _ end: UnsafeMutablePointer<CChar>, _ type: UInt16, _ flags: UInt16, _ sequence: UInt32
    ) -> UnsafeMutablePointer<nlmsghdr>? {
        // SAFETY: the caller has room for a message at `end`, where mnl writes an empty header.
        guard let header = unsafe mnl_nlmsg_put_header(end) else { return nil }
        unsafe header.pointee.nlmsg_type = type
        unsafe header.pointee.nlmsg_flags = flags
        unsafe header.pointee.nlmsg_seq = sequence
        return unsafe header
    }
}

/// The header of the message under construction. It is valid while its payload is written, which is as long as anyone sees it.
@safe
struct MessageHeader {
    let pointer: UnsafeMutablePointer<nlmsghdr>

    // SAFETY, in all of these: the header lies in a buffer that has room behind it.
    var length: Int { Int(unsafe pointer.pointee.nlmsg_len) }
    func put<Structure: BitwiseCopyable>(_ structure: Structure) {
        let size = MemoryLayout<Structure>.size
        guard let place = unsafe mnl_nlmsg_put_extra_header(pointer, size) else { return }
        unsafe place.copyMemory(from: [structure], byteCount: size)
    }
    func put(_ attribute: UInt32, _ text: String) { unsafe mnl_attr_put_strz(pointer, UInt16(attribute), text) }
    func put(_ attribute: UInt32, _ number: UInt32) {
        unsafe mnl_attr_put_u32(pointer, UInt16(attribute), number.bigEndian)
    }
    func put(_ attribute: UInt32, _ bytes: [UInt8]) {
        // SAFETY: libmnl copies as many bytes as the array has, while it is borrowed.
        unsafe bytes.withUnsafeBytes { unsafe mnl_attr_put(pointer, UInt16(attribute), $0.count, $0.baseAddress) }
    }
}

extension MessageHeader {
    // SAFETY, in all of these: as above; and a nest is closed in the message in which it was opened.
    /// In the byte order of the machine, as rtnetlink has its numbers.
    func put(_ attribute: UInt32, machineOrder number: UInt32) {
        unsafe mnl_attr_put_u32(pointer, UInt16(attribute), number)
    }
    /// Attributes that are written already.
    func append(_ bytes: [UInt8]) {
        guard let place = unsafe mnl_nlmsg_put_extra_header(pointer, bytes.count) else { return }
        unsafe place.copyMemory(from: bytes, byteCount: bytes.count)
    }
    func nest(_ attribute: UInt32, _ body: () -> Void) {
        guard let nest = unsafe mnl_attr_nest_start(pointer, UInt16(attribute)) else { return }
        body()
        unsafe mnl_attr_nest_end(pointer, nest)
    }
}

/// What writes a message's attributes.
protocol MessagePayload: ~Copyable {
    /// Writes no more than `MessageBuffer.roomForMessage` bytes.
    borrowing func write(behind header: MessageHeader)
}

/// A structure alone.
struct StructurePayload<Structure: BitwiseCopyable>: MessagePayload {
    let structure: Structure

    func write(behind header: MessageHeader) { header.put(structure) }
}

/// A message that is all header.
struct NoPayload: MessagePayload {
    func write(behind header: MessageHeader) {}
}

/// Messages are aligned as netlink wants them.
private func aligned(_ length: Int) -> Int {
    let alignment = Int(NLMSG_ALIGNTO)
    return (length + alignment - 1) / alignment * alignment
}

extension NetlinkError {
    static var outOfMemory: Self { Self(operation: "build", object: "netlink message", code: ENOMEM) }
}
