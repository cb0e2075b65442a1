public import HostRules

/// Tables of others as a kernel gave them out, message by message: all that is needed to make the same ones in another namespace.
public struct TableDump: Hashable, Sendable {
    /// What a message is about. All of one part come before all of the next.
    public enum Part: String, Hashable, Sendable, CaseIterable {
        case table
        case chain
        case object
        case set
        /// Of a set.
        case elements
        case rule
    }

    public struct Message: Hashable, Sendable {
        public var part: Part
        public var family: HostTable.Family
        /// What follows the header, as it came.
        public var attributes: [UInt8]

        public init(_ part: Part, _ family: HostTable.Family, _ attributes: [UInt8]) {
            self.part = part
            self.family = family
            self.attributes = attributes
        }
    }

    public var messages: [Message]

    /// The kernel's own are no longer than it has room for in one piece; a copy, which may be a little longer, still goes into one.
    public static let messageLimit = 48 << 10

    public init(_ messages: [Message] = []) { self.messages = messages }

    /// A message that is none of its part, or of a table that is nobody's but its owner's.
    public struct Malformed: Error, Hashable, Sendable {
        /// Its place among the messages.
        public var place: Int
        public var what: String
    }

    /// `ip filter`, in the kernel's order.
    public var tables: [String] {
        messages.filter { $0.part == .table }.compactMap { message in
            // SAFETY: any bytes are valid bytes.
            (try? PartName(message.part, unsafe message.attributes.span.bytes)).map {
                "\(message.family.word) \($0.table)"
            }
        }
    }
}

extension TableDump {
    /// Where Docker has its rules: its own tables, or those of iptables, which it shares with whoever else uses iptables.
    static func mayBeDockers(_ table: HostReader.TableName) -> Bool {
        switch table.family {
        case .ip, .ip6: isDockersOwn(table) || ["raw", "mangle", "nat", "filter"].contains(table.name)
        case .inet, .arp, .netdev, .bridge: false
        }
    }

    static func isDockersOwn(_ table: HostReader.TableName) -> Bool { table.name == "docker-bridges" }
}
