internal import Addressing
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

        struct Rule: Encodable {
            var sign: String
            var text: String
        }

        var version = 1
        var same: Bool
        var access: [Access]
        /// Why the table is made anew, where it is.
        var rebuild: [String]?
        var operations: Int
        var rules: [Rule]
    }

    private var rebuildReasons: [String]? {
        if case .rebuild(let reasons) = difference.scope { reasons } else { nil }
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
            rebuild: rebuildReasons,
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
