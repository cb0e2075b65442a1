internal import CNftnl
internal import Glibc

// What messages about parts of a table say, whoever made it. Our table and all of the host's are made of the same ones.

/// A message of `NFT_MSG_GETRULE`.
struct RuleMessage: ~Escapable {
    private(set) var table = ""
    private(set) var chain = ""
    private(set) var handle: UInt64?
    private(set) var comment: String?
    /// It was made through iptables.
    private(set) var isOfIptables = false
    /// It has user data that nft does not show.
    private(set) var hasForeignData = false
    /// A nest of elements, each an expression.
    private(set) var expressions: RawSpan

    @_lifetime(copy message)
    init(_ message: RawSpan) throws(MalformedMessage) {
        expressions = message.extracting(0..<0)
        var attributes = AttributeCursor(message)
        while let attribute = try attributes.next() {
            switch attribute.type {
            case NFTA_RULE_TABLE.rawValue: table = attribute.payload.text()
            case NFTA_RULE_CHAIN.rawValue: chain = attribute.payload.text()
            case NFTA_RULE_HANDLE.rawValue: handle = try attribute.payload.networkOrder()
            case NFTA_RULE_EXPRESSIONS.rawValue: expressions = attribute.payload
            case NFTA_RULE_COMPAT.rawValue: isOfIptables = true
            case NFTA_RULE_USERDATA.rawValue:
                var text: String?
                var hasMore = false
                let isOfNft = attribute.payload.readUserData { type, payload in
                    if type == NFTNL_UDATA_RULE_COMMENT.rawValue { text = payload.text() } else { hasMore = true }
                }
                comment = text
                hasForeignData = hasMore || !isOfNft
            default: break
            }
        }
    }
}

/// A message of `NFT_MSG_GETFLOWTABLE`.
struct FlowtableMessage {
    private(set) var table = ""
    private(set) var name = ""

    init(_ message: RawSpan) throws(MalformedMessage) {
        var attributes = AttributeCursor(message)
        while let attribute = try attributes.next() {
            switch attribute.type {
            case NFTA_FLOWTABLE_TABLE.rawValue: table = attribute.payload.text()
            case NFTA_FLOWTABLE_NAME.rawValue: name = attribute.payload.text()
            default: break
            }
        }
    }
}

/// `NFTA_HOOK_*`: where a base chain hangs.
struct HookNest {
    private(set) var number: UInt32 = .max
    private(set) var priority: Int32 = 0
    private(set) var devices: [String] = []

    init(_ nest: RawSpan) throws(MalformedMessage) {
        var attributes = AttributeCursor(nest)
        while let attribute = try attributes.next() {
            switch attribute.type {
            case NFTA_HOOK_HOOKNUM.rawValue: number = try attribute.payload.networkOrder()
            case NFTA_HOOK_PRIORITY.rawValue: priority = try attribute.payload.networkOrder()
            case NFTA_HOOK_DEV.rawValue: add(attribute.payload.text())
            case NFTA_HOOK_DEVS.rawValue:
                var names = AttributeCursor(attribute.payload)
                while let name = try names.next() {
                    // The other kind, of Linux 6.18, is the beginning of names.
                    add(name.type == NFTA_DEVICE_NAME.rawValue ? name.payload.text() : name.payload.text() + "*")
                }
            default: break
            }
        }
    }

    /// A chain of one device comes with its name twice.
    private mutating func add(_ device: String) {
        if !devices.contains(device) { devices.append(device) }
    }
}
