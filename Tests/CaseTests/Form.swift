import Compiler
import MatrixSupport
import Nftables
import NftablesFormats
import NftablesKernel
import TestSupport

/// The ways in which a ruleset gets into the kernel, and out of it again.
enum Form: String, CaseIterable, Sendable {
    case netlink = "pushed over netlink"
    case text = "loaded by nft -f"
    case iptables = "loaded by iptables-restore into DOCKER-USER"

    func load(_ ruleset: Ruleset, into host: DockerHost) throws {
        switch self {
        case .netlink:
            var connection = try KernelConnection(namespace: host.namespace.path)
            _ = try connection.apply(ruleset.linearized())
        case .text: try host.load(NftText.text(ruleset))
        case .iptables: try Self.restore(IptablesText(ruleset), into: host)
        }
    }

    /// Leaves the host as it was, down to what conntrack remembers.
    func unload(_ ruleset: Ruleset, from host: DockerHost) throws {
        switch self {
        case .netlink, .text: try host.run("nft", "delete", "table", "inet", Compiler.tableName).orThrow()
        case .iptables:
            let loaded = IptablesText(ruleset)
            let nothing = IptablesText(
                Ruleset(table: ruleset.table), replacing: (loaded.ipv4.leaves, loaded.ipv6.leaves))
            try Self.restore(nothing, into: host)
        }
        try host.run("conntrack", "-F").orThrow()
    }

    static func restore(_ text: IptablesText, into host: DockerHost) throws {
        try host.run("iptables-nft-restore", "--noflush", input: text.ipv4.text).orThrow()
        try host.run("ip6tables-nft-restore", "--noflush", input: text.ipv6.text).orThrow()
    }
}

extension DockerEngine {
    /// Docker in nftables mode has no DOCKER-USER.
    var forms: [Form] {
        switch self {
        case .iptables20, .iptables26: [.netlink]
        case .iptables28, .iptables29: [.netlink, .text, .iptables]
        case .nftables29: [.netlink, .text]
        }
    }
}
