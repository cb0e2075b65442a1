internal import Addressing
internal import Conntrack
internal import FoundationEssentials
internal import Nftables
internal import Reconcile
internal import Simulator

extension Plan {
    /// Version 1 of the schema that docs/json.md describes.
    private struct Document: Encodable {
        struct Access: Encodable {
            var way: String
            var services: String?
            var `protocol`: String
            var ports: String?
            var address: String?
            var interfaces: [String]
            var bridges: [String]
            var gained: [String]
            var lost: [String]
            var notUnderstood: [String]
        }

        struct Connection: Encodable {
            var `protocol`: String
            var client: String
            var dialled: String
            var server: String
            var services: String?
            var age: UInt64?
        }

        struct Rule: Encodable {
            var sign: String
            var text: String
        }

        var version = 1
        var same: Bool
        var access: [Access]
        /// Those that it ends; absent where that is not known.
        var connections: [Connection]?
        var connectionsUnknown: String?
        var connectionsDoubtful: Int?
        /// Why the table is made anew, where it is.
        var rebuild: [String]?
        var operations: Int
        var rules: [Rule]
    }

    private var rebuildReasons: [String]? {
        if case .rebuild(let reasons) = difference.scope { reasons } else { nil }
    }

    private var endedConnections: [Document.Connection]? {
        switch connections {
        case .unknown: nil
        case .untouched: []
        case .known(let found):
            found.connections.map { connection in
                Document.Connection(
                    protocol: connection.transport.description, client: connection.client.text,
                    dialled: connection.dialled.text, server: connection.server.text,
                    services: connection.chain.map(ChainName.services), age: connection.age)
            }
        }
    }

    private var unknownConnections: String? {
        switch connections {
        case .unknown(let reason): reason
        case .untouched, .known: nil
        }
    }

    private var doubtfulConnections: Int? {
        switch connections {
        case .known(let found): found.doubtful > 0 ? found.doubtful : nil
        case .untouched, .unknown: nil
        }
    }

    public func json() throws -> String {
        let document = Document(
            same: difference.isEmpty,
            access: access.map { change in
                Document.Access(
                    way: change.door.way.word,
                    services: change.door.chain.map(ChainName.services),
                    protocol: change.door.transport.description,
                    ports: change.door.ports?.text,
                    address: change.door.address.name,
                    interfaces: change.door.interfaces, bridges: change.door.bridges,
                    gained: change.gained.ranges, lost: change.lost.ranges,
                    notUnderstood: change.notUnderstood.sorted())
            },
            connections: endedConnections, connectionsUnknown: unknownConnections,
            connectionsDoubtful: doubtfulConnections, rebuild: rebuildReasons,
            operations: difference.changes.reduce(0) { $0 + $1.operationCount },
            rules: ruleLines.map { Document.Rule(sign: $0.sign.rawValue, text: $0.text) })
        return try JSONText.encode(document)
    }
}

extension Door.HostAddress {
    /// Absent for any address.
    fileprivate var name: String? {
        switch self {
        case .any: nil
        case .one(let address): address.description
        case .others: "other"
        }
    }
}

enum JSONText {
    /// Keys in order, so that equal values are equal texts.
    static func encode(_ value: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(value), as: UTF8.self)
    }
}

extension Door.Way {
    fileprivate var word: String {
        switch self {
        case .published: "published"
        case .machine: "machine"
        case .container: "container"
        case .wire: "wire"
        }
    }
}
