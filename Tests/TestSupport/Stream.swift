import Foundation

/// A connection that stays open while a test changes the rules. Both its ends send a beat every 20 ms, and count what
/// arrives. UDP servers keep sending to whoever greeted them once, until the stream is closed.
public struct Stream: Sendable {
    /// Who speaks. A client that only listens greets the server once; its TCP still acknowledges.
    public enum Talk: Hashable, Sendable {
        case bothWays
        case serverOnly
    }

    /// Beats that arrived.
    public struct Flow: Hashable, Sendable, CustomStringConvertible {
        public var toServer = 0
        public var toClient = 0

        public static let none = Flow()
        public var isFlowingBothWays: Bool { toServer > 0 && toClient > 0 }
        public var description: String { "\(toServer) to the server, \(toClient) to the client" }

        static func - (left: Flow, right: Flow) -> Flow {
            Flow(toServer: left.toServer - right.toServer, toClient: left.toClient - right.toClient)
        }
    }

    let loop: ServerLoop
    let number: Int

    /// What arrived since the stream was opened.
    public var total: Flow { loop.flow(of: number) }

    /// What arrives in the time after this moment. What is under way when the rules change is not the rules' fault, so it
    /// is let land first.
    public func flow(
        during time: Duration = .milliseconds(400), settling: Duration = .milliseconds(100)
    ) -> Flow {
        pause(settling)
        let before = total
        pause(time)
        return total - before
    }

    /// Waits until both ends have heard each other anew, or throws.
    public func waitUntilFlowing(within limit: Duration = .seconds(5)) throws {
        try waitUntilFlowing(since: total, within: limit)
    }

    func waitUntilFlowing(since before: Flow, within limit: Duration = .seconds(5)) throws {
        let deadline = ContinuousClock.now + limit
        while !(total - before).isFlowingBothWays {
            guard ContinuousClock.now < deadline else { throw BenchError("the stream does not flow: \(total)") }
            pause(.milliseconds(5))
        }
    }

    /// Makes both ends fall silent, waits for what is under way, and says what was sent and never arrived.
    public func lost(within limit: Duration = .seconds(5)) -> Flow {
        loop.hush(stream: number)
        let deadline = ContinuousClock.now + limit
        while loop.missing(of: number) != .none, ContinuousClock.now < deadline { pause(.milliseconds(20)) }
        return loop.missing(of: number)
    }

    /// Both ends stop.
    public func close() { loop.close(stream: number) }

    private func pause(_ time: Duration) {
        let parts = time.components
        Thread.sleep(forTimeInterval: Double(parts.seconds) + Double(parts.attoseconds) / 1e18)
    }
}
