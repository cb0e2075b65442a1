internal import Namespaces

extension NetlinkSocket {
    /// Opens it in the network namespace that the file stands for (`/run/netns/NAME`, `/proc/PID/ns/net`).
    init(namespace path: String) throws(NetlinkError) {
        let descriptor = try NamespaceEntry.run(path) { () throws(NetlinkError) in try NetlinkSocket.open() }
        try self.init(descriptor: descriptor)
    }
}

/// Work in another network namespace.
enum NamespaceEntry {
    /// Does the work in the network namespace, and comes back when it is done.
    static func run<Value>(
        _ path: String, _ work: @escaping () throws(NetlinkError) -> Value
    ) throws(NetlinkError) -> Value {
        try NamespaceThread.run(
            path, failed: { NetlinkError(operation: "enter", object: "network namespace \(path)", code: $0) }, work)
    }
}
