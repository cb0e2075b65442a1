internal import Glibc
public import Nftables

/// What the kernel refused, or what could not be told it: in nft's words, with what to do about it.
public struct NetlinkError: Error, Hashable, Sendable {
    /// What was being done: `add rule`, `list table`.
    public var operation: String
    /// To what: `rule in chain service-django`.
    public var object: String
    /// The `errno`.
    public var code: Int32
    /// The line of the policy that the refused object comes from.
    public var origin: Origin?
    /// What the kernel said beside its number (NLMSGERR_ATTR_MSG), or what was wrong with what it sent.
    public var detail: String?
    /// The place of the refused change in its transaction.
    public var change: Int?
    /// How many more messages of the same batch were refused.
    public var furtherErrors: Int

    public init(
        operation: String, object: String, code: Int32, origin: Origin? = nil, detail: String? = nil,
        change: Int? = nil, furtherErrors: Int = 0
    ) {
        self.operation = operation
        self.object = object
        self.code = code
        self.origin = origin
        self.detail = detail
        self.change = change
        self.furtherErrors = furtherErrors
    }

    /// Somebody committed since the generation that the transaction was computed against; nothing was changed.
    public var isStaleGeneration: Bool { code == ERESTART && change == nil }

    /// Somebody committed while the kernel was being read, again and again.
    public var isInterrupted: Bool { code == EINTR }

    /// What a person can do about it.
    public var advice: String? {
        switch code {
        case EPERM: "this needs the capability CAP_NET_ADMIN in the network namespace: run it as root"
        case ERESTART: "the ruleset was changed meanwhile and nothing was sent in: read it again and repeat"
        case EINTR: "the ruleset kept changing while it was read: try again"
        case EBUSY: "something still refers to it, or another dump is under way: try again"
        case EMSGSIZE: "the message is larger than the socket takes: raise net.core.wmem_max, or run with CAP_NET_ADMIN"
        case ENOBUFS: "answers of the kernel were lost: read the ruleset again to see what is in force"
        case ETIMEDOUT: "the kernel did not answer: read the ruleset again to see what is in force"
        case ENOENT: "it, or something it refers to, does not exist"
        case EEXIST: "it exists already: somebody else changes this table"
        case EPROTONOSUPPORT, EAFNOSUPPORT, EOPNOTSUPP:
            "the kernel lacks what this needs: see that the module nf_tables is loaded"
        default: nil
        }
    }
}

extension NetlinkError: CustomStringConvertible {
    public var description: String {
        var text = "\(operation) \(object): \(Self.text(of: code))"
        if let detail { text += " (\(detail))" }
        if let advice { text += "; \(advice)" }
        if let origin { text += " [\(origin.file):\(origin.line)]" }
        if furtherErrors > 0 { text += "; \(furtherErrors) more refused with it" }
        return text
    }

    private static func text(of code: Int32) -> String {
        // glibc has no words for ERESTART that help.
        if code == ERESTART { return "stale generation" }
        var buffer = [CChar](repeating: 0, count: 128)
        // SAFETY: the buffer's own length goes with it, and strerror_r closes what it writes with NUL.
        return unsafe buffer.withUnsafeMutableBufferPointer { unsafe Self.text(of: code, in: $0) }
    }

    private static func text(of code: Int32, in buffer: UnsafeMutableBufferPointer<CChar>) -> String {
        guard let base = buffer.baseAddress, unsafe strerror_r(code, base, buffer.count) == 0 else {
            return "error \(code)"
        }
        return unsafe String(cString: base)
    }
}
