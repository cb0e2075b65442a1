import Addressing
import Foundation

/// A recorded `iptables-save` as the pattern of other rules of the same engine.
struct IptablesPattern {
    let lines: [String]

    init(_ recorded: String) {
        lines = recorded.split(separator: "\n").map(String.init).filter { !$0.hasPrefix("#") }
    }

    func rules(for attachments: [Attachment], _ family: AddressFamily) throws -> String {
        var table = ""
        var rules: [String] = []
        for line in lines {
            if line.hasPrefix("*") { table = String(line.dropFirst()) }
            let inFamily = family == .ipv4 ? line : line.replacing("127.0.0.0/8", with: "::1/128")
            if line.contains("172.17.0.2/32") || line.contains("172.17.0.2:80") {
                rules += attachments.having(family).flatMap { container(line, table, $0, family) }
            } else if line.contains("docker0") {
                rules += attachments.bridges(family).flatMap { bridge(line, table, $0, family) }
            } else {
                rules.append(inFamily)
            }
            if line.hasPrefix(":DOCKER-USER") { rules += routedExceptions(attachments.bridges(family)) }
        }
        return rules.map { $0.replacing("[0:0] -A", with: "-A") }.joined(separator: "\n") + "\n"
    }

    /// 28 lets a routed network's traffic past the isolation of the others.
    private func routedExceptions(_ bridges: [Bridge]) -> [String] {
        guard lines.contains(where: { $0.hasPrefix(":DOCKER-BRIDGE") }),
            lines.contains(where: { $0.hasPrefix(":DOCKER-ISOLATION-STAGE-1") })
        else { return [] }
        return bridges.filter { $0.gateway == .routed }.flatMap {
            [
                "-A DOCKER-ISOLATION-STAGE-1 -i \($0.name) -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
                "-A DOCKER-ISOLATION-STAGE-1 -o \($0.name) -j RETURN",
            ]
        }
    }

    private func bridge(_ line: String, _ table: String, _ bridge: Bridge, _ family: AddressFamily) -> [String] {
        let mine = line.replacing("docker0", with: bridge.name)
            .replacing("172.17.0.0/16", with: bridge.network(family) ?? "")
        if bridge.gateway == .internal { return line.contains("ISOLATION") || table == "nat" ? [] : [mine] }
        if line.contains("MASQUERADE") { return bridge.gateway == .routed ? [] : [mine] }
        guard line.contains("-A DOCKER ! -i docker0 -o docker0 -j DROP") else { return [mine] }
        let icmp = family == .ipv4 ? "icmp" : "ipv6-icmp"
        return switch bridge.gateway {
        case .nat, .internal: [mine]
        case .routed: ["-A DOCKER -o \(bridge.name) -p \(icmp) -j ACCEPT", mine]
        case .natUnprotected: [mine.replacing("-j DROP", with: "-j ACCEPT")]
        }
    }

    private func container(
        _ line: String, _ table: String, _ attachment: Attachment, _ family: AddressFamily
    ) -> [String] {
        let gateway = attachment.bridge.gateway
        let length = family == .ipv4 ? 32 : 128
        let mine = line.replacing("docker0", with: attachment.bridge.name)
            .replacing("172.17.0.2/32", with: "\(attachment.address(family) ?? "")/\(length)")
        if table == "raw" {
            let loopback = attachment.publications.filter { $0.pinnedAddress == "127.0.0.1" && family == .ipv4 }
            return (gateway == .nat ? [mine] : [])
                + loopback.map {
                    "-A PREROUTING -d 127.0.0.1/32 ! -i lo -p \($0.transport) -m \($0.transport) --dport \($0.hostPort) -j DROP"
                }
        }
        if gateway == .internal || table == "filter" && gateway == .natUnprotected { return [] }
        if table == "nat" && gateway == .routed { return [] }
        return attachment.publications.filter {
            // SCTP is written as TCP is.
            $0.applies(to: family) && line.contains($0.transport == .udp ? "-p udp " : "-p tcp ")
        }.map {
            var rule = mine.replacing("-p tcp -m tcp", with: "-p \($0.transport) -m \($0.transport)")
            // One after the other, a container's own 8081 would be taken for the recording's.
            rule =
                rule.contains("--dport 8081")
                ? rule.replacing("--dport 8081", with: "--dport \($0.hostPort)")
                : rule.replacing("--dport 80 ", with: "--dport \($0.containerPort) ")
            rule = rule.replacing("172.17.0.2:80", with: attachment.endpoint(family, $0.containerPort))
            guard line.contains("-j DNAT") else { return rule }
            if let address = $0.pinnedAddress {
                rule = rule.replacing("-A DOCKER ", with: "-A DOCKER -d \(address)/\(length) ")
            }
            // What comes from a link-local address is left to docker-proxy.
            return family == .ipv4 ? rule : rule.replacing("-A DOCKER ", with: "-A DOCKER ! -s fe80::/10 ")
        }
    }
}
