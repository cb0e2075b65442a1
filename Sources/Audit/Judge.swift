public import Addressing
public import Reachability

/// Says of one client whether anybody answers it: the rules let it through, and to something that is there.
public struct Judge {
    private var reachability: Reachability
    private let listeners: [Listener]

    public init(_ subject: Subject) {
        reachability = Reachability(subject.rules, topology: subject.topology)
        listeners = subject.listeners
    }

    public mutating func passage(
        from source: IPAddress, _ approach: Approach, through extent: Extent = .host
    ) -> Passage {
        let answer = reachability.answer(approach, through: extent)
        let passage = answer.passage(from: source)
        if passage == .closed { return .closed }
        let isAnswered = answer.arrivals.contains { arrival, sources in
            guard sources.contains(source) else { return false }
            switch arrival {
            case .forwarded: return true
            case .delivered(let address, let port):
                return listeners.contains {
                    $0.takes(approach.transport, address, port) && !$0.isReservation
                }
            }
        }
        return isAnswered ? passage : .closed
    }
}
