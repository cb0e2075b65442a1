import Compiler
import Nftables
import NftablesFormats
import NftablesKernel
import TestSupport

/// The ways in which a ruleset gets into the kernel, and out of it again.
enum Form: String, CaseIterable, Sendable {
    case netlink = "pushed over netlink"
    case text = "loaded by nft -f"

    func load(_ ruleset: Ruleset, into host: DockerHost) throws {
        switch self {
        case .netlink:
            var connection = try KernelConnection(namespace: host.namespace.path)
            _ = try connection.apply(ruleset.linearized())
        case .text: try host.load(NftText.text(ruleset))
        }
    }

    /// Leaves the host as it was, down to what conntrack remembers.
    func unload(from host: DockerHost) throws {
        switch self {
        case .netlink, .text: try host.run("nft", "delete", "table", "inet", Compiler.tableName).orThrow()
        }
        try host.run("conntrack", "-F").orThrow()
    }
}

extension DockerEngine {
    /// Docker in nftables mode has no DOCKER-USER.
    var forms: [Form] {
        switch self {
        case .iptables20: [.netlink]
        case .iptables28, .iptables29: [.netlink, .text]
        case .nftables29: [.netlink, .text]
        }
    }
}
