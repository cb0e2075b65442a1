internal import Daemon
internal import Docker
internal import DockerSocket
internal import Synchronization

/// Follows what an engine does, on threads of its own, so that an engine that hangs holds nobody up. At most one question is under
/// way; whatever happens meanwhile is asked for by the next one. It uses nothing while nothing happens.
final class EngineFollower: Sendable {
    enum Report: Sendable {
        /// What runs now, and the events that made us ask.
        case ran(Inventory, after: [String])
        /// It cannot be asked; `isOver`: nobody tries any more, until its socket shows a sign of life.
        case away(String, isOver: Bool)
    }

    private let socket: DockerSocket
    private let wakeup: Wakeup
    private let state = Mutex(EngineKnowledge())

    /// After a sign of life: an engine opens its socket long before it answers.
    private static let attempts = 12
    private static let longestPause = Duration.seconds(15)

    init(_ socket: DockerSocket, waking wakeup: Wakeup) {
        self.socket = socket
        self.wakeup = wakeup
    }

    /// Follows the engine until it goes away; then a report says that it is over.
    func start() { work { self.follow() } }

    private func work(_ work: @escaping @Sendable () -> Void) {
        do {
            try Worker.start(work)
        } catch {
            say(.away("\(error)", isOver: true))
        }
    }

    /// What there is to say since the last call: of inventories the last one only.
    func take() -> [Report] {
        state.withLock { state in
            defer { state.reports = [] }
            return state.reports
        }
    }

    // MARK: Events

    private func follow() {
        var pause = Duration.milliseconds(100)
        for attempt in 1...Self.attempts {
            let end = socket.follow { self.note($0) }
            // Nobody asks until it is followed again: to connect would have systemd start what somebody has stopped.
            state.withLock { $0.isConnected = false }
            let isOver = end.hadBegun || end.error.problem == .noSocket || attempt == Self.attempts
            say(.away("\(end.error)", isOver: isOver))
            if isOver { return }
            Worker.pause(pause)
            pause = min(pause * 2, Self.longestPause)
        }
    }

    private func note(_ event: DockerEvent) {
        let (mustAsk, foreseen) = state.withLock { state in
            let foreseen = state.note(event)
            defer { state.isAsking = true }
            return (!state.isAsking, foreseen)
        }
        if foreseen { wakeup.ring() }
        if mustAsk { work { self.ask() } }
    }

    // MARK: Questions

    private func ask() {
        var pause = Duration.milliseconds(100)
        var failures = 0
        while let question = state.withLock({ $0.nextQuestion() }) {
            do throws(DockerError) {
                let waiting = question.isFirst ? try socket.waiting() : []
                let inventory = try socket.inventory(starting: question.created.sorted())
                state.withLock { $0.learn(inventory, waiting: waiting, from: question) }
                wakeup.ring()
                pause = .milliseconds(100)
                failures = 0
            } catch {
                say(.away("\(error)", isOver: false))
                failures += 1
                // It was there a moment ago: whatever happens next is a reason to ask again. Of one that has gone its return is.
                let asksAgain = state.withLock { state in
                    state.takeBack(question)
                    state.isAsking = state.isConnected && failures < Self.attempts
                    return state.isAsking
                }
                guard asksAgain else { return }
                Worker.pause(pause)
                pause = min(pause * 2, Self.longestPause)
            }
        }
    }

    private func say(_ report: Report) {
        state.withLock { $0.add(report) }
        wakeup.ring()
    }
}
