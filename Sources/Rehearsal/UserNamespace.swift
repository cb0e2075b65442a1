internal import CLinux
internal import Files
internal import Glibc

/// What lets anybody have network namespaces: a user namespace in which the process is root, and root of nothing else.
public enum UserNamespace {
    /// Puts the whole process into one of its own, unless it may make network namespaces as it is. It must be the first thing that a
    /// program does: the kernel refuses a process that has threads.
    public static func enter() throws(StageError) {
        if mayDoWithout { return }
        let (user, group) = (geteuid(), getegid())
        let code = clinux_make_user_namespace()
        guard code == 0 else { throw .userNamespaceForbidden(by: reason(code)) }
        // A kernel that lets one be made may still give no rights in it: the first write shows.
        do throws(File.Failure) {
            try File.set("/proc/self/setgroups", to: "deny")
            try File.set("/proc/self/uid_map", to: "0 \(user) 1")
            try File.set("/proc/self/gid_map", to: "0 \(group) 1")
        } catch {
            guard error.kind == .denied else { throw .failed("write to", error.path, error.code) }
            throw .userNamespaceForbidden(by: reason(error.code))
        }
    }

    /// Which of the kernel's settings stands in the way, as far as it says.
    private static func reason(_ code: Int32) -> String {
        if code == EINVAL { return "the process has several threads" }
        if setting("kernel/unprivileged_userns_clone") == "0" { return "kernel.unprivileged_userns_clone is 0" }
        if setting("user/max_user_namespaces") == "0" { return "user.max_user_namespaces is 0" }
        if setting("kernel/apparmor_restrict_unprivileged_userns") == "1" {
            return "kernel.apparmor_restrict_unprivileged_userns is 1"
        }
        if code == ENOSPC { return "user.max_user_namespaces of them exist already" }
        return "\(StageError.failed("unshare", "user namespace", code))"
    }

    /// By its capabilities: root may have lost them, and others may have been given them.
    private static var mayDoWithout: Bool {
        guard let status = text("/proc/self/status"),
            let line = status.split(separator: "\n").first(where: { $0.hasPrefix("CapEff:") }),
            let capabilities = UInt64(line.dropFirst(7).filter(\.isHexDigit), radix: 16)
        else { return geteuid() == 0 }
        // CAP_NET_ADMIN, CAP_NET_RAW and CAP_SYS_ADMIN of linux/capability.h.
        let wanted: UInt64 = 1 << 12 | 1 << 13 | 1 << 21
        return capabilities & wanted == wanted
    }

    private static func setting(_ name: String) -> String? {
        text("/proc/sys/\(name)").map { $0.filter { !$0.isWhitespace } }
    }

    private static func text(_ path: String) -> String? {
        (try? File.read(path)).map { String(decoding: $0, as: UTF8.self) }
    }
}
