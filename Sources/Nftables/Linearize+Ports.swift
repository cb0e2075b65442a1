internal import Addressing

/// A source and a destination port that nft asks for at once, since they lie side by side in the header.
struct JoinedPorts {
    var transport: TransportProtocol
    /// Where in the rule's statements each of them stands.
    var source: Int
    var destination: Int
    var bytes: [UInt8]
}

extension Rule {
    /// The pairs that stand among matches alone: nft does not move a match past what a rule does. It also joins two `!=`,
    /// which then mean something else; those stay apart here.
    var joinedPorts: [JoinedPorts] {
        var pairs: [JoinedPorts] = []
        var source: (index: Int, transport: TransportProtocol, port: UInt16)?
        var destination: (index: Int, transport: TransportProtocol, port: UInt16)?
        for (index, statement) in statements.enumerated() {
            switch statement {
            case .match(.header(.sourcePort(let transport)), .equals(.port(let port))):
                if source == nil { source = (index, transport, port) }
            case .match(.header(.destinationPort(let transport)), .equals(.port(let port))):
                if destination == nil { destination = (index, transport, port) }
            case .match: break
            case .verdictMap, .counter, .limit, .log, .reject, .verdict:
                source = nil
                destination = nil
            }
            if let from = source, let to = destination, from.transport == to.transport {
                pairs.append(
                    JoinedPorts(
                        transport: from.transport, source: from.index, destination: to.index,
                        bytes: from.port.networkOrder + to.port.networkOrder))
                source = nil
                destination = nil
            }
        }
        return pairs
    }
}
