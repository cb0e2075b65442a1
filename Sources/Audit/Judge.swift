public import Addressing
public import Reachability

/// Says of one client whether anybody answers it: the rules let it through, and to something that is there.
///
/// An answer of the rules is one for all clients, so each approach is followed once.
public struct Judge {
    private var reachability: Reachability
    private let listeners: [Listener]
    private var answers: [Question: Answer] = [:]

    private struct Question: Hashable {
        var approach: Approach
        var extent: Extent
    }

    public init(_ subject: Subject) {
        listeners = subject.listeners
        reachability = Reachability(subject.rules, topology: subject.topology, listeners: listeners)
    }

    /// What the rules alone say, of all clients.
    public mutating func answer(_ approach: Approach, through extent: Extent = .host) -> Answer {
        let question = Question(approach: approach, extent: extent)
        if let known = answers[question] { return known }
        let answer = reachability.answer(approach, through: extent)
        answers[question] = answer
        return answer
    }

    public mutating func passage(
        from source: IPAddress, _ approach: Approach, through extent: Extent = .host
    ) -> Passage {
        let answer = answer(approach, through: extent)
        let passage = answer.passage(from: source)
        if passage == .closed { return .closed }
        let isAnswered = answer.arrivals.contains { arrival, sources in
            guard sources.contains(source) else { return false }
            switch arrival {
            case .forwarded: return true
            case .delivered(let address, let port):
                return listeners.contains {
                    $0.takes(approach.transport, address ?? approach.address, port ?? approach.port)
                        && !$0.isReservation
                }
            }
        }
        return isAnswered ? passage : .closed
    }
}
