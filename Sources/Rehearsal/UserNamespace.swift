internal import CLinux
internal import Glibc

/// What lets anybody have network namespaces: a user namespace in which the process is root, and root of nothing else.
public enum UserNamespace {
    /// Puts the whole process into one of its own, unless it is root already. It must be the first thing that a program does: the
    /// kernel refuses a process that has threads.
    public static func enter() throws(StageError) {
        let (user, group) = (geteuid(), getegid())
        if user == 0 { return }
        let code = clinux_make_user_namespace()
        guard code == 0 else { throw .userNamespaceForbidden(by: reason(code)) }
        // A kernel that lets one be made may still give no rights in it: the first write shows.
        do throws(StageError) {
            try File.write("deny", to: "/proc/self/setgroups")
            try File.write("0 \(user) 1", to: "/proc/self/uid_map")
            try File.write("0 \(group) 1", to: "/proc/self/gid_map")
        } catch {
            guard case .system(_, _, let code) = error, code == EPERM || code == EACCES else { throw error }
            throw .userNamespaceForbidden(by: reason(code))
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

    private static func setting(_ name: String) -> String? {
        guard let descriptor = try? File.open("/proc/sys/\(name)", O_RDONLY) else { return nil }
        defer { _ = close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 32)
        // No more is written than there is room for.
        let count = unsafe read(descriptor, &bytes, bytes.count)
        guard count > 0 else { return nil }
        return String(decoding: bytes.prefix(count).filter { $0 > 0x20 }, as: UTF8.self)
    }
}
