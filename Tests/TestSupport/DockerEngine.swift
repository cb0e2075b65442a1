import Addressing
import Foundation

/// A Docker engine whose rules were recorded under `nft/docker`, to be set up for any containers.
///
/// The recording has one container, 172.17.0.2 on docker0 with 8081 published to 80 over TCP and UDP. It is taken as a
/// pattern: a line that names the container's port is written once a publication, one that names the container once a
/// container, one that names the bridge once a bridge, any other as it stands. What the recording has for IPv4 is written
/// for IPv6 in the form that `every-path.nft` shows.
public enum DockerEngine: String, CaseIterable, Hashable, Sendable {
    /// iptables without ip6tables: over IPv6 there is docker-proxy only; direct routes to containers are open.
    case iptables20 = "20.10.24-iptables"
    /// The same.
    case iptables26 = "26.1.5-iptables"
    /// iptables and ip6tables, direct routes closed in the raw table.
    case iptables28 = "28.5.2-iptables"
    case iptables29 = "29dev-iptables"
    /// Tables `docker-bridges` of its own, no DOCKER-USER.
    case nftables29 = "29dev-nftables"

    public var hasDockerUser: Bool { self != .nftables29 }

    /// Whether ports of dual-stack networks get DNAT over IPv6.
    public var translatesIPv6: Bool {
        switch self {
        case .iptables20, .iptables26: false
        case .iptables28, .iptables29, .nftables29: true
        }
    }

    /// Whether it drops what comes for a container's own address. Those that do have gateway modes too.
    public var closesDirectRoutes: Bool {
        switch self {
        case .iptables20, .iptables26: false
        case .iptables28, .iptables29, .nftables29: true
        }
    }

    func load(into namespace: NetworkNamespace, _ attachments: [Attachment]) throws {
        let families = AddressFamily.allCases.filter { $0 == .ipv4 || translatesIPv6 }
        if self == .nftables29 {
            let pattern = try NftablesPattern(recorded("ruleset.nft"))
            let rules = try families.map { try pattern.rules(for: attachments, $0) }.joined()
            try namespace.run("nft", "-f", "-", input: rules).orThrow()
        } else {
            let pattern = IptablesPattern(try recorded("iptables-save"))
            for family in families {
                let restore = family == .ipv4 ? "iptables-nft-restore" : "ip6tables-nft-restore"
                try namespace.run(restore, input: try pattern.rules(for: attachments, family)).orThrow()
            }
        }
    }

    private func recorded(_ file: String) throws -> String {
        let root = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../..")
        return try String(contentsOf: root.appending(path: "nft/docker/\(rawValue)/\(file)"), encoding: .utf8)
    }
}

/// A container on its bridge, with the addresses that it got.
struct Attachment: Hashable, Sendable {
    let container: Container
    let address4: String
    let address6: String?
    let publications: [Publication]

    var bridge: Bridge { container.bridge }

    func address(_ family: AddressFamily) -> String? { family == .ipv4 ? address4 : address6 }

    /// `172.17.0.2:80`, `[2001:db8:6::2]:80`
    func endpoint(_ family: AddressFamily, _ port: UInt16) -> String {
        family == .ipv4 ? "\(address4):\(port)" : "[\(address6 ?? "")]:\(port)"
    }
}

extension Bridge {
    func network(_ family: AddressFamily) -> String? { family == .ipv4 ? network4 : network6 }
}

extension [Attachment] {
    /// The bridges in use, in order of appearance.
    func bridges(_ family: AddressFamily) -> [Bridge] {
        var seen: [Bridge] = []
        for attachment in self where attachment.bridge.network(family) != nil && !seen.contains(attachment.bridge) {
            seen.append(attachment.bridge)
        }
        return seen
    }

    func having(_ family: AddressFamily) -> [Attachment] { filter { $0.address(family) != nil } }
}
