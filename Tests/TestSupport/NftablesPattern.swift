import Addressing
import Foundation

/// A recorded `nft list ruleset` of Docker's nftables backend as the pattern of other rules of the same engine.
struct NftablesPattern {
    /// The lines of `table ip docker-bridges`, without handles and counts.
    private let lines: [String]
    private static let name = "docker-bridges"

    init(_ recorded: String) throws {
        var lines: [String] = []
        for line in recorded.split(separator: "\n", omittingEmptySubsequences: true) {
            if line.hasPrefix("table ip6") { break }
            let bare = line.split(separator: " # handle", maxSplits: 1).first ?? line
            lines.append(
                String(bare).replacing("counter packets 0 bytes 0", with: "counter")
                    // nft 1.0.6 knows the name dstnat in prerouting only.
                    .replacing("hook output priority dstnat", with: "hook output priority -100"))
        }
        guard lines.first == "table ip \(Self.name) {" else { throw BenchError("not the recording of docker-bridges") }
        self.lines = lines
    }

    func rules(for attachments: [Attachment], _ family: AddressFamily) throws -> String {
        var rules: [String] = []
        var chain: [String] = []
        for line in lines {
            // A bridge's own chains are written as a whole, once a bridge.
            if line.contains("chain"), line.contains("__docker0") {
                chain = [line]
            } else if !chain.isEmpty {
                chain.append(line)
                guard line == "\t}" else { continue }
                for bridge in attachments.bridges(family) {
                    rules += chain.flatMap { expand($0, chain[0], bridge, attachments.having(family), family) }
                }
                chain = []
            } else if line.contains("172.17.0.2") {
                rules += attachments.having(family).flatMap { container(line, $0, family) }
            } else if line.contains("elements = ") {
                rules += elements(line, attachments.bridges(family))
            } else {
                rules.append(line)
            }
        }
        return rules.map { family == .ipv4 ? $0 : toIPv6($0) }.joined(separator: "\n") + "\n"
    }

    private func elements(_ line: String, _ bridges: [Bridge]) -> [String] {
        guard let open = line.firstIndex(of: "{"), let close = line.lastIndex(of: "}"), !bridges.isEmpty else {
            return []
        }
        let element = line[line.index(after: open)..<close]
        let all = bridges.map { element.replacing("docker0", with: $0.name) }.joined(separator: ",")
        return ["\t\telements = {\(all)}"]
    }

    /// A line of one of a bridge's own chains.
    private func expand(
        _ line: String, _ head: String, _ bridge: Bridge, _ attachments: [Attachment], _ family: AddressFamily
    ) -> [String] {
        if line.contains("172.17.0.2") {
            return attachments.filter { $0.bridge == bridge }.flatMap { container(line, $0, family) }
        }
        let mine = line.replacing("docker0", with: bridge.name)
            .replacing("172.17.0.0/16", with: bridge.network(family) ?? "")
        let icmp = family == .ipv4 ? "ip protocol icmp" : "meta l4proto ipv6-icmp"
        switch bridge.gateway {
        case .nat: return [mine]
        case .routed:
            if line.contains("MASQUERADE") { return [] }
            return line.contains("ICC") ? ["\t\t\(icmp) counter accept comment \"ICMP\"", mine] : [mine]
        case .natUnprotected:
            return [line.contains("UNPUBLISHED") ? "\t\tcounter accept comment \"UNPROTECTED\"" : mine]
        case .internal:
            if line.contains("MASQUERADE") { return [] }
            if line.contains("ICC") {
                return ["\t\tiifname != \"\(bridge.name)\" counter drop comment \"INTERNAL NETWORK INGRESS\""]
            }
            if line.contains("UNPUBLISHED") { return ["\t\tcounter accept comment \"ICC\""] }
            if line.contains("OUTGOING") {
                return ["\t\toifname != \"\(bridge.name)\" counter drop comment \"INTERNAL NETWORK EGRESS\""]
            }
            return [mine]
        }
    }

    private func container(_ line: String, _ attachment: Attachment, _ family: AddressFamily) -> [String] {
        let gateway = attachment.bridge.gateway
        let mine = line.replacing("docker0", with: attachment.bridge.name)
        if line.contains("DROP DIRECT ACCESS") {
            let loopback = attachment.publications.filter { $0.pinnedAddress == "127.0.0.1" && family == .ipv4 }
            return (gateway == .nat ? [mine.replacing("172.17.0.2", with: attachment.address(family) ?? "")] : [])
                + loopback.map {
                    "\t\tiifname != \"lo\" ip daddr 127.0.0.1 \($0.transport) dport \($0.hostPort) counter drop comment \"DROP REMOTE LOOPBACK\""
                }
        }
        let translates = line.contains("dnat to")
        if gateway == .internal || gateway == (translates ? .routed : .natUnprotected) { return [] }
        return attachment.publications.filter {
            // SCTP is written as TCP is.
            $0.applies(to: family) && line.contains($0.transport == .udp ? "udp dport" : "tcp dport")
        }.map {
            let mine = mine.replacing("tcp dport", with: "\($0.transport) dport")
            guard translates else {
                return mine.replacing("172.17.0.2", with: attachment.address(family) ?? "")
                    .replacing("dport 80 ", with: "dport \($0.containerPort) ")
            }
            let linkLocal = family == .ipv4 ? "" : "ip saddr != fe80::/10 "
            let pinned = $0.pinnedAddress.map { "ip daddr \($0) " } ?? ""
            return mine.replacing(
                "\($0.transport) dport 8081", with: "\(linkLocal)\(pinned)\($0.transport) dport \($0.hostPort)"
            )
            .replacing("172.17.0.2:80", with: attachment.endpoint(family, $0.containerPort))
        }
    }

    private func toIPv6(_ line: String) -> String {
        line.replacing("table ip ", with: "table ip6 ").replacing("127.0.0.0/8", with: "::1")
            .replacing("ip daddr", with: "ip6 daddr").replacing("ip saddr", with: "ip6 saddr")
    }
}
