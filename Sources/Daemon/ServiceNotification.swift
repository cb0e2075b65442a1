internal import Glibc

/// What a service of `Type=notify` tells the manager that has started it: sd_notify(3). Without NOTIFY_SOCKET nobody is told.
public struct ServiceNotification: Sendable {
    /// The path of the socket, or a name behind `@`.
    private let address: String?

    public init(address: String?) {
        self.address = address.flatMap { $0.hasPrefix("/") || $0.hasPrefix("@") ? $0 : nil }
    }

    public func ready(status: String) { send("READY=1\nSTATUS=\(status)") }

    /// Until the next `ready`. The time tells the manager which reload is meant (systemd 253, Type=notify-reload).
    public func reloading() {
        var now = timespec()
        // Written during the call.
        _ = unsafe clock_gettime(CLOCK_MONOTONIC, &now)
        send("RELOADING=1\nMONOTONIC_USEC=\(now.tv_sec * 1_000_000 + now.tv_nsec / 1000)")
    }

    public func status(_ text: String) { send("STATUS=\(text)") }

    public func stopping() { send("STOPPING=1") }

    /// Nobody who listens is no reason to fail: the rules matter.
    private func send(_ message: String) {
        guard let address else { return }
        var target = sockaddr_un()
        let room = MemoryLayout.size(ofValue: target.sun_path)
        var name = Array(address.utf8)
        guard name.count < room else { return }
        // A name that is no path begins with NUL, and ends where its length says.
        if name[0] == UInt8(ascii: "@") { name[0] = 0 }
        target.sun_family = sa_family_t(AF_UNIX)
        // The name is shorter than the array that it goes into.
        unsafe withUnsafeMutableBytes(of: &target.sun_path) { unsafe $0.copyBytes(from: name) }
        let length = socklen_t(MemoryLayout.offset(of: \sockaddr_un.sun_path).map { $0 + name.count } ?? 0)
        let type = Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue)
        let descriptor = socket(AF_UNIX, type, 0)
        guard descriptor >= 0 else { return }
        defer { _ = close(descriptor) }
        let bytes = Array(message.utf8)
        // Every pointer goes with the size of what it points to, and lives as long as the call.
        unsafe withUnsafePointer(to: target) { target in
            unsafe target.withMemoryRebound(to: sockaddr.self, capacity: 1) { target in
                _ = unsafe sendto(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL), target, length)
            }
        }
    }
}
