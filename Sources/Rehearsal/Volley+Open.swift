internal import Addressing
internal import Nftables

/// Connections that are opened at one time, and go on at another.
extension Volley {
    /// Opens as many as get an answer; what came before is not forgotten.
    mutating func open() throws(StageError) {
        phase = .opening
        // Nothing stands in the way: who got no answer was not heard.
        for _ in 0..<3 { try attempts(at: Array(shots.indices)) }
    }

    /// One more packet of each; nil of those that were not opened.
    mutating func goOn() throws(StageError) -> [Fate?] {
        let opened = shots.indices.filter(isOpen)
        phase = .goingOn
        for index in opened { (fates[index], reached[index], isOutside[index]) = (nil, nil, false) }
        try attempts(at: opened)
        var outcome = [Fate?](repeating: nil, count: shots.count)
        for index in opened {
            outcome[index] = fates[index] ?? .silent
            // It is open, whatever became of this packet.
            fates[index] = .answered(by: .host)
        }
        return outcome
    }

    private func isOpen(_ index: Int) -> Bool {
        guard case .answered? = fates[index] else { return false }
        return switch shots[index].kind {
        case .tcp: serverSequences[index] != nil
        case .udp: true
        case .sctp, .ping, .strayAck: false
        }
    }

    private mutating func attempts(at indices: [Int]) throws(StageError) {
        for grace in Self.graces {
            let open = indices.filter { fates[$0] == nil }
            if open.isEmpty { break }
            try attempt(open, grace)
        }
    }

    /// What the client says next: one byte, so that the host's kernel answers at once.
    func nextSegment(_ index: Int, _ mark: UInt32) -> Frame.Content {
        segment(of: index, sequence: mark &+ 1, [.psh, .ack], payload: [0])
    }

    private func segment(
        of index: Int, sequence: UInt32, _ flags: TCPFlags, payload: [UInt8] = []
    ) -> Frame.Content {
        let shot = shots[index]
        return Frame.tcp(
            from: shot.source, clientPorts[index], to: shot.destination, shot.port, sequence: sequence,
            acknowledges: (serverSequences[index] ?? 0) &+ 1, flags, payload: payload)
    }

    /// What a segment of an open connection means, which is another thing than of one that nobody has opened. Whether it was one.
    mutating func takeOpen(_ arrival: Arrival, at place: Ends.Place) throws(StageError) -> Bool {
        switch arrival.message {
        case .connected(let mark, let sequence):
            guard let index = index(mark), isAnswer(arrival, to: index, at: place), phase == .opening else {
                return true
            }
            serverSequences[index] = sequence
            decide(index, answered(index))
            let acknowledgement = segment(of: index, sequence: mark &+ 1, .ack)
            try send(acknowledgement, from: shots[index].source, to: shots[index].destination, at: place)
            return true
        case .said(let sequence, let acknowledged):
            guard let index = index(sequence), answerers[index].insert(place).inserted else { return true }
            switch place {
            case .container(let container): reached[index] = container
            case .outside: isOutside[index] = true
            case .host: return true
            }
            let heard = Frame.tcp(
                from: arrival.destination, arrival.port, to: arrival.source, arrival.sourcePort,
                sequence: acknowledged, acknowledges: sequence &+ 1, .ack)
            try send(heard, from: arrival.destination, to: arrival.source, at: place)
            return true
        case .stray, .strayAnswer, .reset:
            // A kernel counts from where it likes: the ports say whose it is.
            guard let index = clientPorts.firstIndex(of: arrival.port), isAnswer(arrival, to: index, at: place) else {
                return true
            }
            if case .reset = arrival.message {
                decide(index, .refused)
            } else if phase == .goingOn {
                decide(index, answered(index))
            }
            return true
        case .connect, .datagram, .echoRequest, .echoReply, .associate, .associated, .unreachable, .addressReply:
            return false
        }
    }
}
