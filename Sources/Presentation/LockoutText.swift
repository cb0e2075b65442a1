internal import Addressing
public import Lockout
internal import Nftables
internal import Simulator

/// What is said of a policy that cuts off who administers the host.
public enum LockoutText {
    /// So many connections are told of one by one.
    private static let limit = 5

    public static func refusal(_ cuts: [Cut]) -> [String] {
        ["dockernft: refused, and nothing is changed: this policy would cut off who administers this host"]
            + lines(cuts) + [
                "dockernft: --lock-me-out applies it all the same; --confirm-within takes it back unless you confirm it in time"
            ]
    }

    public static func warning(_ cuts: [Cut]) -> [String] {
        if cuts.isEmpty { return [] }
        return ["dockernft: warning: this policy cuts off who administers this host, as --lock-me-out allows"]
            + lines(cuts)
    }

    private static func lines(_ cuts: [Cut]) -> [String] {
        let rest = cuts.count - limit
        return cuts.prefix(limit).flatMap(lines) + (rest > 0 ? ["  and \(rest) more connections"] : [])
    }

    private static func lines(_ cut: Cut) -> [String] {
        let way = cut.way
        let server = way.server.map { " of \($0.name), pid \($0.process)" } ?? ""
        var lines = [
            "  \(way.owner.words): from \(way.client.text) by \(cut.interface) to \(way.host.text)\(server)",
            "    \(cut.extent.words)",
        ]
        if let origin = cut.origin {
            let rule = cut.rule?.comment.map { ", \"\($0)\"" } ?? ""
            lines.append("    by \(origin.file):\(origin.line)\(rule)")
        } else if let rule = cut.rule?.comment ?? cut.chain {
            lines.append("    by a rule of no line of its own, \"\(rule)\"")
        }
        lines.append("    \(cut.advice)")
        return lines
    }
}

extension WayIn.Owner {
    fileprivate var words: String {
        switch self {
        case .us: "your own connection"
        case .somebody: "somebody's connection"
        }
    }
}

extension Cut.Extent {
    fileprivate var words: String {
        switch self {
        case .everything: "it is cut, and a new one is refused"
        case .openConnection: "it is cut; a new one is let in"
        case .newConnections: "it goes on; a new one is refused"
        }
    }
}

extension Cut {
    /// What to write so that it is not.
    fileprivate var advice: String {
        let client = way.client.address
        let name = chain.map(ChainName.services) ?? ""
        let isServices = chain.map { $0 != "host" && name != $0 } ?? false
        if isServices { return "write \(client) under allow of \(name), and not under except, to let it in" }
        return
            "write 'host: { services: { ssh: { port: \(way.host.port), allow: [\(quoted(client))] } } }' to let it in"
    }

    /// Colons of an address are YAML's own between brackets.
    private func quoted(_ address: IPAddress) -> String {
        switch address {
        case .v4: "\(address)"
        case .v6: "\"\(address)\""
        }
    }
}
