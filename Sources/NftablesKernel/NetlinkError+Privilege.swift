internal import Glibc

extension NetlinkError {
    /// EPERM: the kernel wants CAP_NET_ADMIN in the network namespace.
    public var isMissingPrivilege: Bool { code == EPERM }
}
