internal import Addressing
public import Conntrack
internal import Simulator

extension Plan {
    /// What is known of the connections that are open.
    public enum OpenConnections: Hashable, Sendable {
        /// Nobody loses access, so that none can end.
        case untouched
        case known(EndedConnections)
        /// They could not be read; the text says why.
        case unknown(String)

        public var ended: [EndedConnection] {
            switch self {
            case .known(let found): found.connections
            case .untouched, .unknown: []
            }
        }
    }

    /// More than a screen's half nobody reads; `--json` has them all.
    private static let shownLines = 10

    var connectionLines: [Line] {
        switch connections {
        case .untouched: return []
        case .unknown(let reason):
            return [Line(sign: .note, text: "which open connections it ends is not known: \(reason)")]
        case .known(let found):
            var lines = lines(for: found.connections)
            if found.doubtful > 0 {
                let text =
                    "whether it ends \(Count.connections(found.doubtful)) more is not known: by which interface they come"
                lines.append(Line(sign: .note, text: text + " in, or what the table does with them, cannot be told"))
            }
            return lines
        }
    }

    private func lines(for ended: [EndedConnection]) -> [Line] {
        guard !ended.isEmpty else { return [] }
        var order: [ConnectionGroup] = []
        var groups: [ConnectionGroup: [EndedConnection]] = [:]
        for connection in ended {
            let group = ConnectionGroup(connection)
            if groups[group] == nil { order.append(group) }
            groups[group, default: []].append(connection)
        }
        let texts = order.prefix(Self.shownLines).map { $0.text(of: groups[$0] ?? []) }
        let title = "ends \(Count.connections(ended.count)): "
        if order.count == 1, let text = texts.first { return [Line(sign: .removed, text: title + text)] }
        let rest = order.dropFirst(Self.shownLines).reduce(0) { $0 + (groups[$1]?.count ?? 0) }
        let more = rest > 0 ? ["and \(Count.text(rest)) more"] : []
        return [Line(sign: .removed, text: String(title.dropLast()))]
            + (texts + more).map { Line(sign: .removed, text: "  " + $0) }
    }

    /// What an apply says once it is done; nil where it has cut none.
    public var cutText: String? {
        connections.ended.isEmpty ? nil : "cut \(Count.connections(connections.ended.count))"
    }
}

/// Connections of one client to one port.
private struct ConnectionGroup: Hashable {
    var connection: EndedConnection

    init(_ connection: EndedConnection) {
        self.connection = connection
        self.connection.client.port = 0
        self.connection.server.port = 0
        self.connection.age = nil
    }

    /// `203.0.113.7 -> django (192.0.2.1:8081/tcp), 3 connections, the oldest 12 minutes old`
    func text(of members: [EndedConnection]) -> String {
        let dialled = "\(connection.dialled.text)/\(connection.transport)"
        let target = connection.chain.map { "\(ChainName.services($0)) (\(dialled))" } ?? dialled
        var text = "\(connection.client.address) -> \(target)"
        if members.count > 1 { text += ", \(Count.connections(members.count))" }
        if let age = members.compactMap(\.age).max() {
            text += members.count > 1 ? ", the oldest \(Count.age(age)) old" : ", \(Count.age(age)) old"
        }
        return text
    }
}

extension Endpoint {
    /// `192.0.2.1:80`, `[2001:db8::1]:80`
    var text: String {
        switch address {
        case .v4: "\(address):\(port)"
        case .v6: "[\(address)]:\(port)"
        }
    }
}

/// Numbers as a person writes them.
enum Count {
    static func connections(_ count: Int) -> String { count == 1 ? "1 connection" : "\(text(count)) connections" }

    /// With a comma before every three digits.
    static func text(_ number: Int) -> String {
        var groups: [String] = []
        var rest = number
        while rest >= 1000 {
            let digits = String(rest % 1000)
            groups.insert(String(repeating: "0", count: 3 - digits.count) + digits, at: 0)
            rest /= 1000
        }
        return ([String(rest)] + groups).joined(separator: ",")
    }

    static func age(_ seconds: UInt64) -> String {
        for (unit, length) in [("day", 86400), ("hour", 3600), ("minute", 60)] as [(String, UInt64)]
        where seconds >= length {
            let count = seconds / length
            return "\(count) \(unit)\(count == 1 ? "" : "s")"
        }
        return "\(seconds) second\(seconds == 1 ? "" : "s")"
    }
}
