public import Addressing
internal import Nftables
internal import Simulator

extension AddressSet {
    /// As a person would say it: at most `limit` addresses, and how many more there are.
    public func text(limit: Int = 8) -> String {
        if self == .all { return "everyone" }
        if isEmpty { return "nobody" }
        var parts: [String] = []
        if v4 == .all { parts.append("every IPv4 address") } else { parts += v4.ranges.prefix(limit).map(\.text) }
        if v6 == .all { parts.append("every IPv6 address") } else { parts += v6.ranges.prefix(limit).map(\.text) }
        let total = (v4 == .all ? 1 : v4.ranges.count) + (v6 == .all ? 1 : v6.ranges.count)
        let shown = parts.prefix(limit)
        let rest = total - shown.count
        return shown.joined(separator: ", ") + (rest > 0 ? " and \(rest) more" : "")
    }

    /// Every range, for a program to read.
    var ranges: [String] { v4.ranges.map(\.text) + v6.ranges.map(\.text) }
}

/// Names that the compiler gave to chains, read back to the policy's own.
public enum ChainName {
    /// `service-django` is django, `services-a//b` is a and b, `host-ssh` is the host's ssh.
    public static func services(_ chain: String) -> String {
        let chain = chain.hasPrefix("wire-service") ? String(chain.dropFirst("wire-".count)) : chain
        for (prefix, word) in [("services-", ""), ("service-", ""), ("host-services-", "host "), ("host-", "host ")]
        where chain.hasPrefix(prefix) {
            let names = split(chain.dropFirst(prefix.count)).map(unescaped)
            return word + names.joined(separator: ", ")
        }
        return chain
    }

    private static func split(_ text: Substring) -> [[UInt8]] {
        var names: [[UInt8]] = [[]]
        let bytes = Array(text.utf8)
        var index = 0
        while index < bytes.count {
            if bytes[index] == UInt8(ascii: "/"), index + 1 < bytes.count, bytes[index + 1] == UInt8(ascii: "/") {
                names.append([])
                index += 2
            } else {
                names[names.count - 1].append(bytes[index])
                index += 1
            }
        }
        return names
    }

    private static func unescaped(_ bytes: [UInt8]) -> String {
        var result: [UInt8] = []
        var index = 0
        while index < bytes.count {
            if bytes[index] == UInt8(ascii: "/"), index + 2 < bytes.count,
                let byte = UInt8(String(decoding: bytes[index + 1...index + 2], as: UTF8.self), radix: 16)
            {
                result.append(byte)
                index += 3
            } else {
                result.append(bytes[index])
                index += 1
            }
        }
        return String(decoding: result, as: UTF8.self)
    }
}

extension Door {
    /// `django 8081/tcp`, `any other udp port that is forwarded to a container`.
    var text: String {
        var text: String
        switch (way, chain, ports) {
        case (.wire, _, _): return wireText
        case (_, .some(let chain), .some(let ports)):
            text = "\(ChainName.services(chain)) \(ports.text)/\(transport)"
            // The same service on one of the two ways only.
            if way == .machine, chain.hasPrefix("service") { text += " by docker-proxy or the host's network" }
        case (.published, nil, .some(let ports)): text = "\(ports.text)/\(transport)"
        case (.machine, nil, .some(let ports)): text = "this machine's \(ports.text)/\(transport)"
        case (.container, nil, .some(let ports)): text = "a container's \(ports.text)/\(transport)"
        case (.container, nil, nil): text = "any other \(transport) port of a container"
        case (_, .some(let chain), nil): text = "\(ChainName.services(chain)), any other \(transport) port"
        case (.published, nil, nil): text = "any other \(transport) port that is forwarded to a container"
        case (.machine, nil, nil): text = "any other \(transport) port of this machine"
        }
        switch address {
        case .any: break
        case .one(let address): text += " on \(address)"
        case .others: text += " on any other address"
        }
        if !interfaces.isEmpty { text += " through \(list(interfaces, "interface"))" }
        if !bridges.isEmpty { text += " behind \(list(bridges, "bridge"))" }
        return text
    }

    /// `web on the wire to 192.0.2.50:80/tcp`
    private var wireText: String {
        var place = ""
        switch address {
        case .one(.v4(let address)): place = "\(address)"
        case .one(.v6(let address)): place = ports == nil ? "\(address)" : "[\(address)]"
        case .any, .others: break
        }
        var text = "any other \(transport) port on the wire to \(place)"
        if let ports {
            let service = chain.map { "\(ChainName.services($0)) " } ?? ""
            text = "\(service)on the wire to \(place):\(ports.text)/\(transport)"
        }
        return interfaces.isEmpty ? text : text + " through \(list(interfaces, "interface"))"
    }

    /// `other` stands for all that no rule names.
    private func list(_ names: [String], _ noun: String) -> String {
        names.map { $0 == "other" ? "any other \(noun)" : $0 }.joined(separator: ", ")
    }
}
