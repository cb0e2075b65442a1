internal import Addressing
internal import CConntrack
internal import Glibc
internal import Namespaces

/// The connections that a network namespace tracks.
public enum ConntrackTable {
    /// Shows each to `body`, and keeps none: there may be a million. What comes and goes meanwhile may be seen twice or never.
    ///
    /// Of the network namespace that the file stands for (`/run/netns/NAME`), or of the calling thread's own.
    public static func read(
        namespace: String? = nil, _ body: @escaping (Connection) -> Void
    ) throws(ConntrackError) {
        let socket: ConntrackSocket =
            if let namespace {
                try NamespaceThread.run(
                    namespace, failed: { ConntrackError(operation: "enter network namespace \(namespace)", code: $0) }
                ) { () throws(ConntrackError) in try ConntrackSocket() }
            } else {
                try ConntrackSocket()
            }
        try socket.dump(body)
    }
}

/// libnetfilter_conntrack's line to the kernel, in the network namespace in which it was opened.
@safe
private final class ConntrackSocket {
    private let handle: OpaquePointer

    init() throws(ConntrackError) {
        guard let handle = unsafe nfct_open(UInt8(CONNTRACK), 0) else {
            throw ConntrackError(operation: "open a netlink socket", code: errno)
        }
        unsafe self.handle = handle
    }

    deinit { _ = unsafe nfct_close(handle) }

    private final class Reader {
        let body: (Connection) -> Void
        init(_ body: @escaping (Connection) -> Void) { self.body = body }
    }

    func dump(_ body: @escaping (Connection) -> Void) throws(ConntrackError) {
        let reader = Reader(body)
        let each: @convention(c) (nf_conntrack_msg_type, OpaquePointer?, UnsafeMutableRawPointer?) -> Int32 = {
            _, entry, context in
            // SAFETY: the entry lives as long as this call, and `dump` keeps the reader alive until the query has ended.
            if let entry = unsafe entry, let context = unsafe context {
                let reader = unsafe Unmanaged<Reader>.fromOpaque(context).takeUnretainedValue()
                if let connection = unsafe Connection(entry) { reader.body(connection) }
            }
            return Int32(NFCT_CB_CONTINUE)
        }
        let (result, code) = withExtendedLifetime(reader) {
            // SAFETY: as above; it is taken away again before the reader goes.
            let registered = unsafe nfct_callback_register(
                handle, NFCT_T_ALL, each, Unmanaged.passUnretained(reader).toOpaque())
            guard registered == 0 else { return (registered, errno) }
            defer { unsafe nfct_callback_unregister(handle) }
            // Of both families. SAFETY: the query reads one number of this width.
            var family = UInt32(AF_UNSPEC)
            let result = unsafe nfct_query(handle, NFCT_Q_DUMP, &family)
            return (result, errno)
        }
        if result < 0 { throw ConntrackError(operation: "list the open connections", code: code) }
    }
}

extension Connection {
    /// Nil of what has no ports, and where something is missing.
    fileprivate init?(_ entry: OpaquePointer) {
        guard let transport = TransportProtocol(rawValue: unsafe nfct_get_attr_u8(entry, ATTR_ORIG_L4PROTO)),
            let original = unsafe Tuple(
                entry, ATTR_GRP_ORIG_IPV4, ATTR_GRP_ORIG_IPV6, ATTR_GRP_ORIG_PORT),
            let reply = unsafe Tuple(entry, ATTR_GRP_REPL_IPV4, ATTR_GRP_REPL_IPV6, ATTR_GRP_REPL_PORT)
        else { return nil }
        let state: nf_conntrack_attr? =
            switch transport {
            case .tcp: ATTR_TCP_STATE
            case .sctp: ATTR_SCTP_STATE
            case .udp: nil
            }
        // SAFETY: what is not there reads as zero.
        self.init(
            transport: transport, original: original, reply: reply,
            status: Status(rawValue: unsafe nfct_get_attr_u32(entry, ATTR_STATUS)),
            protocolState: state.map { unsafe nfct_get_attr_u8(entry, $0) },
            timeout: unsafe nfct_get_attr_u32(entry, ATTR_TIMEOUT),
            start: unsafe nfct_attr_is_set(entry, ATTR_TIMESTAMP_START) > 0
                ? nfct_get_attr_u64(entry, ATTR_TIMESTAMP_START) : nil)
    }
}

extension Connection.Tuple {
    fileprivate init?(
        _ entry: OpaquePointer, _ group4: nf_conntrack_attr_grp, _ group6: nf_conntrack_attr_grp,
        _ portGroup: nf_conntrack_attr_grp
    ) {
        var ports = nfct_attr_grp_port()
        // SAFETY: each call fills the structure that belongs to its group, or says that there is none.
        guard unsafe nfct_get_attr_grp(entry, portGroup, &ports) == 0 else { return nil }
        let source = UInt16(bigEndian: ports.sport)
        let destination = UInt16(bigEndian: ports.dport)
        var v4 = nfct_attr_grp_ipv4()
        if unsafe nfct_get_attr_grp(entry, group4, &v4) == 0 {
            self.init(
                .v4(IPv4Address(UInt32(bigEndian: v4.src))), source,
                to: .v4(IPv4Address(UInt32(bigEndian: v4.dst))), destination)
            return
        }
        var v6 = nfct_attr_grp_ipv6()
        guard unsafe nfct_get_attr_grp(entry, group6, &v6) == 0 else { return nil }
        self.init(
            .v6(IPv6Address(v6.src)), source, to: .v6(IPv6Address(v6.dst)), destination)
    }
}

extension IPv6Address {
    fileprivate init(_ words: (UInt32, UInt32, UInt32, UInt32)) {
        let (first, second, third, fourth) = words
        self.init([first, second, third, fourth].reduce(0) { $0 << 32 | UInt128(UInt32(bigEndian: $1)) })
    }
}
