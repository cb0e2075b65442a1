internal import CNftnl

// One owner each for libnftnl's objects. They die with their owner; an array cannot hold them, nor can two places.

@safe
struct NftnlTable: ~Copyable, MessagePayload {
    private let pointer: OpaquePointer

    init() throws(NetlinkError) {
        guard let pointer = unsafe nftnl_table_alloc() else { throw .outOfMemory }
        unsafe self.pointer = pointer
    }

    // SAFETY: both are alive; names are bounded by `checked`, and there is room for them.
    func write(behind header: MessageHeader) { unsafe nftnl_table_nlmsg_build_payload(header.pointer, pointer) }

    // SAFETY: the pointer came from nftnl_table_alloc and is nobody else's.
    deinit { unsafe nftnl_table_free(pointer) }

    // SAFETY, here and below: the object is alive as long as `self`; libnftnl copies what it is given.
    func set(_ attribute: nftnl_table_attr, _ text: String) {
        unsafe nftnl_table_set_str(pointer, UInt16(attribute.rawValue), text)
    }

    func set(_ attribute: nftnl_table_attr, _ number: UInt32) {
        unsafe nftnl_table_set_u32(pointer, UInt16(attribute.rawValue), number)
    }

    func set(_ attribute: nftnl_table_attr, _ userData: borrowing UserDataBuffer) {
        unsafe nftnl_table_set_data(pointer, UInt16(attribute.rawValue), userData.bytes, userData.count)
    }
}

@safe
struct NftnlChain: ~Copyable, MessagePayload {
    private let pointer: OpaquePointer

    init() throws(NetlinkError) {
        guard let pointer = unsafe nftnl_chain_alloc() else { throw .outOfMemory }
        unsafe self.pointer = pointer
    }

    // SAFETY: both are alive; names are bounded by `checked`, and there is room for them.
    func write(behind header: MessageHeader) { unsafe nftnl_chain_nlmsg_build_payload(header.pointer, pointer) }

    // SAFETY: the pointer came from nftnl_chain_alloc and is nobody else's.
    deinit { unsafe nftnl_chain_free(pointer) }

    // SAFETY, here and below: the object is alive as long as `self`; libnftnl copies what it is given.
    func set(_ attribute: nftnl_chain_attr, _ text: String) {
        unsafe nftnl_chain_set_str(pointer, UInt16(attribute.rawValue), text)
    }

    func set(_ attribute: nftnl_chain_attr, _ number: UInt32) {
        unsafe nftnl_chain_set_u32(pointer, UInt16(attribute.rawValue), number)
    }
}

@safe
struct NftnlRule: ~Copyable, MessagePayload {
    private let pointer: OpaquePointer

    init() throws(NetlinkError) {
        guard let pointer = unsafe nftnl_rule_alloc() else { throw .outOfMemory }
        unsafe self.pointer = pointer
    }

    // SAFETY: both are alive; names are bounded by `checked`, and there is room for them.
    func write(behind header: MessageHeader) { unsafe nftnl_rule_nlmsg_build_payload(header.pointer, pointer) }

    // SAFETY: the pointer came from nftnl_rule_alloc and is nobody else's; its expressions are freed with it.
    deinit { unsafe nftnl_rule_free(pointer) }

    // SAFETY, here and below: the object is alive as long as `self`; libnftnl copies what it is given.
    func set(_ attribute: nftnl_rule_attr, _ text: String) {
        unsafe nftnl_rule_set_str(pointer, UInt16(attribute.rawValue), text)
    }

    func set(_ attribute: nftnl_rule_attr, handle: UInt64) {
        unsafe nftnl_rule_set_u64(pointer, UInt16(attribute.rawValue), handle)
    }

    func set(_ attribute: nftnl_rule_attr, _ userData: borrowing UserDataBuffer) {
        unsafe nftnl_rule_set_data(pointer, UInt16(attribute.rawValue), userData.bytes, userData.count)
    }

    func add(_ expression: consuming NftnlExpression) {
        // SAFETY: the expression gives up its pointer, and the rule frees it.
        unsafe nftnl_rule_add_expr(pointer, expression.release())
    }
}

@safe
struct NftnlExpression: ~Copyable {
    private let pointer: OpaquePointer

    init(_ name: StaticString) throws(NetlinkError) {
        // SAFETY: a StaticString of ASCII is closed with NUL.
        let allocated = name.withUTF8Buffer { name in
            unsafe name.baseAddress.flatMap {
                unsafe nftnl_expr_alloc(UnsafeRawPointer($0).assumingMemoryBound(to: CChar.self))
            }
        }
        guard let allocated = unsafe allocated else { throw .outOfMemory }
        unsafe pointer = allocated
    }

    // SAFETY: the pointer came from nftnl_expr_alloc and was not released.
    deinit { unsafe nftnl_expr_free(pointer) }

    // SAFETY, here and below: the object is alive as long as `self`; libnftnl copies what it is given.
    func set(_ attribute: Int, _ text: String) { unsafe nftnl_expr_set_str(pointer, UInt16(attribute), text) }
    func set(_ attribute: Int, _ number: UInt32) { unsafe nftnl_expr_set_u32(pointer, UInt16(attribute), number) }
    func set(_ attribute: Int, _ number: UInt16) { unsafe nftnl_expr_set_u16(pointer, UInt16(attribute), number) }
    func set(_ attribute: Int, _ number: UInt8) { unsafe nftnl_expr_set_u8(pointer, UInt16(attribute), number) }
    func set(_ attribute: Int, _ bytes: [UInt8]) {
        unsafe nftnl_expr_set(pointer, UInt16(attribute), bytes, UInt32(bytes.count))
    }

    fileprivate consuming func release() -> OpaquePointer {
        let pointer = unsafe pointer
        discard self
        return unsafe pointer
    }
}

@safe
struct NftnlSet: ~Copyable, MessagePayload {
    private let pointer: OpaquePointer

    init() throws(NetlinkError) {
        guard let pointer = unsafe nftnl_set_alloc() else { throw .outOfMemory }
        unsafe self.pointer = pointer
    }

    // SAFETY: both are alive; names are bounded by `checked`, and there is room for them.
    func write(behind header: MessageHeader) { unsafe nftnl_set_nlmsg_build_payload(header.pointer, pointer) }

    // SAFETY: the pointer came from nftnl_set_alloc and is nobody else's; its elements are freed with it.
    deinit { unsafe nftnl_set_free(pointer) }

    // SAFETY, here and below: the object is alive as long as `self`; libnftnl copies what it is given.
    func set(_ attribute: nftnl_set_attr, _ text: String) {
        unsafe nftnl_set_set_str(pointer, UInt16(attribute.rawValue), text)
    }

    func set(_ attribute: nftnl_set_attr, _ number: UInt32) {
        unsafe nftnl_set_set_u32(pointer, UInt16(attribute.rawValue), number)
    }

    func set(_ attribute: nftnl_set_attr, _ bytes: [UInt8]) {
        unsafe nftnl_set_set_data(pointer, UInt16(attribute.rawValue), bytes, UInt32(bytes.count))
    }

    func set(_ attribute: nftnl_set_attr, _ userData: borrowing UserDataBuffer) {
        unsafe nftnl_set_set_data(pointer, UInt16(attribute.rawValue), userData.bytes, userData.count)
    }

    // SAFETY: both are alive; `ElementChunk` bounds the elements.
    func writeElements(behind header: MessageHeader) {
        unsafe nftnl_set_elems_nlmsg_build_payload(header.pointer, pointer)
    }

    func add(_ element: consuming NftnlElement) {
        // SAFETY: the element gives up its pointer, and the set frees it.
        unsafe nftnl_set_elem_add(pointer, element.release())
    }
}

@safe
struct NftnlElement: ~Copyable {
    private let pointer: OpaquePointer

    init() throws(NetlinkError) {
        guard let pointer = unsafe nftnl_set_elem_alloc() else { throw .outOfMemory }
        unsafe self.pointer = pointer
    }

    // SAFETY: the pointer came from nftnl_set_elem_alloc and was not released.
    deinit { unsafe nftnl_set_elem_free(pointer) }

    // SAFETY, here and below: the object is alive as long as `self`; libnftnl copies what it is given, and no key is longer
    // than the 64 bytes that it has for one.
    func set(_ attribute: Int, _ text: String) { unsafe nftnl_set_elem_set_str(pointer, UInt16(attribute), text) }
    func set(_ attribute: Int, _ number: UInt32) { unsafe nftnl_set_elem_set_u32(pointer, UInt16(attribute), number) }
    func set(_ attribute: Int, _ bytes: [UInt8]) {
        unsafe nftnl_set_elem_set(pointer, UInt16(attribute), bytes, UInt32(bytes.count))
    }

    func set(_ attribute: Int, milliseconds: UInt64) {
        unsafe nftnl_set_elem_set_u64(pointer, UInt16(attribute), milliseconds)
    }

    /// The last `width` bytes of the number, in network order.
    func set(_ attribute: Int, number: UInt128, width: Int) {
        var bytes = number.bigEndian
        unsafe withUnsafeBytes(of: &bytes) { bytes in
            let first = bytes.count - width
            _ = unsafe nftnl_set_elem_set(
                pointer, UInt16(attribute), bytes.baseAddress.map { unsafe $0 + first }, UInt32(width))
        }
    }

    func set(_ attribute: Int, _ userData: borrowing UserDataBuffer) {
        unsafe nftnl_set_elem_set(pointer, UInt16(attribute), userData.bytes, userData.count)
    }

    fileprivate consuming func release() -> OpaquePointer {
        let pointer = unsafe pointer
        discard self
        return unsafe pointer
    }
}

@safe
struct NftnlObject: ~Copyable, MessagePayload {
    private let pointer: OpaquePointer

    init() throws(NetlinkError) {
        guard let pointer = unsafe nftnl_obj_alloc() else { throw .outOfMemory }
        unsafe self.pointer = pointer
    }

    // SAFETY: both are alive; names are bounded by `checked`, and there is room for them.
    func write(behind header: MessageHeader) { unsafe nftnl_obj_nlmsg_build_payload(header.pointer, pointer) }

    // SAFETY: the pointer came from nftnl_obj_alloc and is nobody else's.
    deinit { unsafe nftnl_obj_free(pointer) }

    // SAFETY, here and below: the object is alive as long as `self`; libnftnl copies what it is given.
    func set(_ attribute: Int, _ text: String) { unsafe nftnl_obj_set_str(pointer, UInt16(attribute), text) }
    func set(_ attribute: Int, _ number: UInt32) { unsafe nftnl_obj_set_u32(pointer, UInt16(attribute), number) }
    func set(_ attribute: Int, _ number: UInt64) { unsafe nftnl_obj_set_u64(pointer, UInt16(attribute), number) }
}

/// What nft keeps in the kernel for itself: comments, and how a listing is to name types.
@safe
struct UserDataBuffer: ~Copyable {
    /// NFT_USERDATA_MAXLEN of the kernel.
    static let capacity: UInt32 = 256

    private let pointer: OpaquePointer

    init() throws(NetlinkError) {
        guard let pointer = unsafe nftnl_udata_buf_alloc(Self.capacity) else { throw .outOfMemory }
        unsafe self.pointer = pointer
    }

    // SAFETY: the pointer came from nftnl_udata_buf_alloc and is nobody else's.
    deinit { unsafe nftnl_udata_buf_free(pointer) }

    // SAFETY, here and below: the buffer is alive as long as `self`.
    var bytes: UnsafeMutableRawPointer? { unsafe nftnl_udata_buf_data(pointer) }
    var count: UInt32 { unsafe nftnl_udata_buf_len(pointer) }

    /// `false` where it does not fit.
    func put(_ type: UInt32, _ text: String) -> Bool { unsafe nftnl_udata_put_strz(pointer, UInt8(type), text) }

    func put(_ type: UInt32, _ number: UInt32) { unsafe _ = nftnl_udata_put_u32(pointer, UInt8(type), number) }

    func nest(_ type: UInt32, _ body: () -> Void) {
        // SAFETY: the nest is opened and closed in this buffer with nothing freed between.
        let nest = unsafe nftnl_udata_nest_start(pointer, UInt8(type))
        body()
        unsafe nftnl_udata_nest_end(pointer, nest)
    }
}
