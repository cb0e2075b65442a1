internal import Addressing

/// Connections that were opened on a stage and go on there. They last until first packets are sent (`Stage.fates(of:progress:)`).
public struct OpenConnections {
    /// By the interface through which they go, with the place of each among all.
    fileprivate var volleys: [(way: Int, places: [Int], volley: Volley)] = []
    fileprivate var count: Int

    fileprivate init(count: Int) { self.count = count }
}

extension Stage {
    /// A connection for each shot, which is of TCP or UDP and begins in a container or outside: of TCP with the whole handshake, of UDP with
    /// an answer. No more than a small machine's table of connections holds.
    public func open(_ shots: [Shot]) throws(StageError) -> OpenConnections {
        guard shots.count <= Self.volleySize else { throw .setting("\(shots.count) open connections") }
        var connections = OpenConnections(count: shots.count)
        try forgetConnections()
        for (way, places) in try ways(of: shots) {
            try route(by: way)
            var volley = Volley(
                self, nil, places.map { shots[$0] }, firstMark: nextMarks(for: places.count))
            try volley.open()
            connections.volleys.append((way, places, volley))
        }
        return connections
    }

    /// What becomes of one more packet of each, in their order; nil where there was no answer to the first.
    public func fates(of connections: inout OpenConnections) throws(StageError) -> [Fate?] {
        var fates = [Fate?](repeating: nil, count: connections.count)
        for index in connections.volleys.indices {
            try route(by: connections.volleys[index].way)
            let outcome = try connections.volleys[index].volley.goOn()
            for (place, fate) in zip(connections.volleys[index].places, outcome) { fates[place] = fate }
        }
        return fates
    }
}
