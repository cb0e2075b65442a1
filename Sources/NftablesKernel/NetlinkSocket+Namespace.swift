internal import CLinux
internal import Glibc

extension NetlinkSocket {
    /// Opens it in the network namespace that the file stands for (`/run/netns/NAME`, `/proc/PID/ns/net`).
    ///
    /// A thread of its own enters the namespace, opens the socket and ends. A thread that others use must never enter one: what
    /// they do next would happen there.
    init(namespace path: String) throws(NetlinkError) {
        let descriptor = try NamespaceEntry.run(path) { () throws(NetlinkError) in try NetlinkSocket.open() }
        try self.init(descriptor: descriptor)
    }
}

/// What the thread is given and what it brings back.
final class NamespaceEntry {
    private let path: String
    private let work: () -> Void
    private var failure: NetlinkError?

    private init(_ path: String, _ work: @escaping () -> Void) {
        self.path = path
        self.work = work
    }

    /// Does the work in the network namespace, and comes back when it is done.
    static func run<Value>(
        _ path: String, _ work: @escaping () throws(NetlinkError) -> Value
    ) throws(NetlinkError) -> Value {
        var outcome: Result<Value, NetlinkError> = .failure(error(path, ECANCELED))
        try enter(path) {
            do throws(NetlinkError) { outcome = .success(try work()) } catch { outcome = .failure(error) }
        }
        return try outcome.get()
    }

    private static func enter(_ path: String, _ work: @escaping () -> Void) throws(NetlinkError) {
        let entry = NamespaceEntry(path, work)
        var thread = pthread_t()
        let start: @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? = { argument in
            // SAFETY: `run` waits for this thread and keeps the object alive until then.
            if let argument = unsafe argument {
                unsafe Unmanaged<NamespaceEntry>.fromOpaque(argument).takeUnretainedValue().enter()
            }
            return nil
        }
        let code = withExtendedLifetime(entry) {
            let code = unsafe pthread_create(&thread, nil, start, Unmanaged.passUnretained(entry).toOpaque())
            // SAFETY: the thread was started and is joined once.
            return code == 0 ? pthread_join(thread, nil) : code
        }
        guard code == 0 else { throw error(path, code) }
        if let failure = entry.failure { throw failure }
    }

    private func enter() {
        let file = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return failure = Self.error(path, errno) }
        defer { _ = close(file) }
        let code = clinux_enter_network_namespace(file)
        guard code == 0 else { return failure = Self.error(path, code) }
        work()
    }

    private static func error(_ path: String, _ code: Int32) -> NetlinkError {
        NetlinkError(operation: "enter", object: "network namespace \(path)", code: code)
    }
}
