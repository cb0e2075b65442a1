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

    fileprivate struct State {
        var reports: [Report] = []
        var isAsking = false
        var isStale = false
        /// About to run, so that what they will publish counts already.
        var starting: Set<String> = []
        var events: [String] = []
    }

    private let socket: DockerSocket
    private let wakeup: Wakeup
    private let state = Mutex(State())

    /// A line of a log names a few. More need not be remembered.
    private static let rememberedEvents = 16
    /// After a sign of life: an engine opens its socket long before it answers.
    private static let attempts = 12
    private static let longestPause = Duration.seconds(15)

    init(_ socket: DockerSocket, waking wakeup: Wakeup) {
        self.socket = socket
        self.wakeup = wakeup
    }

    /// Follows the engine until it goes away; then a report says that it is over.
    func start() {
        Task { await follow() }
    }

    /// What there is to say since the last call: of inventories the last one only.
    func take() -> [Report] {
        state.withLock { state in
            defer { state.reports = [] }
            return state.reports
        }
    }

    // MARK: Events

    private func follow() async {
        var pause = Duration.milliseconds(100)
        for attempt in 1...Self.attempts {
            var isConnected = false
            do {
                for try await event in socket.events() {
                    isConnected = true
                    note(event)
                }
                return say(.away("the connection to \(socket.path) has ended", isOver: true))
            } catch {
                let mayCome = (error as? DockerError).map { $0.problem != .noSocket } ?? true
                let isOver = isConnected || !mayCome || attempt == Self.attempts
                say(.away("\(error)", isOver: isOver))
                if isOver { return }
            }
            try? await Task.sleep(for: pause)
            pause = min(pause * 2, Self.longestPause)
        }
    }

    private func note(_ event: DockerEvent) {
        let isIdle = state.withLock { state in
            state.note(event, atMost: Self.rememberedEvents)
            defer { state.isAsking = true }
            return !state.isAsking
        }
        if isIdle { Task { await ask() } }
    }

    // MARK: Questions

    private func ask() async {
        var pause = Duration.milliseconds(100)
        var failures = 0
        while let (starting, events) = state.withLock({ $0.nextQuestion() }) {
            do throws(DockerError) {
                say(.ran(try socket.inventory(starting: starting), after: events))
                pause = .milliseconds(100)
                failures = 0
            } catch {
                say(.away("\(error)", isOver: false))
                failures += 1
                // It was there a moment ago. Whatever happens next is a reason to ask again.
                if failures == Self.attempts { return state.withLock { $0.isAsking = false } }
                try? await Task.sleep(for: pause)
                pause = min(pause * 2, Self.longestPause)
                state.withLock { $0.isStale = true }
            }
        }
    }

    private func say(_ report: Report) {
        state.withLock { $0.add(report) }
        wakeup.ring()
    }
}

extension EngineFollower.State {
    fileprivate mutating func note(_ event: DockerEvent, atMost limit: Int) {
        isStale = true
        switch event.subject {
        case .subscription: starting = []
        case .container, .network, .daemon:
            events = events.suffix(limit - 1) + ["\(event.action) \(event.name)"]
        }
        if let container = event.starting {
            starting.insert(container)
        } else if event.subject == .container, let container = event.container {
            starting.remove(container)
        }
    }

    fileprivate mutating func nextQuestion() -> (starting: [String], events: [String])? {
        guard isStale else {
            isAsking = false
            return nil
        }
        isStale = false
        defer { events = [] }
        return (starting.sorted(), events)
    }

    /// An inventory makes an older one void, but not the events that led to it.
    fileprivate mutating func add(_ report: EngineFollower.Report) {
        if case .ran(let inventory, let events) = report, case .ran(_, let earlier) = reports.last {
            reports[reports.count - 1] = .ran(inventory, after: Array((earlier + events).suffix(16)))
        } else if reports.count < 16 || report.endsFollowing {
            reports.append(report)
        }
    }
}

extension EngineFollower.Report {
    fileprivate var endsFollowing: Bool {
        switch self {
        case .ran: false
        case .away(_, let isOver): isOver
        }
    }
}
