internal import Docker
internal import DockerSocket

/// What a follower has learnt of an engine, and what it still has to ask.
///
/// Docker publishes a container's ports before it runs it, and answers no question about it until it does. Hence what a container
/// will publish is asked when it is made; the event that says that it is being started then needs no question at all.
struct EngineKnowledge {
    struct Question {
        var isFirst: Bool
        /// Made since the last question.
        var created: Set<String>
        /// Those that run, or have ended, since before this question: its answer has the truth of them.
        var settled: Set<String>
        var events: [String]
    }

    var reports: [EngineFollower.Report] = []
    var isAsking = false
    /// From a subscription until its events end.
    var isConnected = false
    private var isStale = false
    private var isFirst = false
    private var created: Set<String> = []
    private var settled: Set<String> = []
    private var events: [String] = []
    private var inventory: Inventory?
    /// Not running, by id: what they will publish.
    private var waiting: [String: Docker.Container] = [:]
    /// Being started.
    private var starting: Set<String> = []
    /// Of these, those that were foreseen since the last question: its answer knows nothing of it yet.
    private var foreseen: Set<String> = []
    /// Docker says that they have ended a moment before its list knows.
    private var ended: Set<String> = []

    /// A line of a log names a few. More need not be remembered.
    private static let rememberedEvents = 16
    private static let heldReports = 16

    /// Whether there is a new inventory to report without a question.
    mutating func note(_ event: DockerEvent) -> Bool {
        isStale = true
        if event.subject == .subscription {
            isConnected = true
            (isFirst, created, settled, starting, ended) = (true, [], [], [], [])
            return false
        }
        events = events.suffix(Self.rememberedEvents - 1) + ["\(event.action) \(event.name)"]
        guard let id = event.container else { return false }
        if event.starting != nil { return foresee(id, event) }
        switch (event.subject, event.action) {
        case (.container, "create"): created.insert(id)
        case (.container, "start"):
            settled.insert(id)
            ended.remove(id)
        case (.container, "die"), (.container, "died"):
            settled.insert(id)
            ended.insert(id)
            if let known = inventory?.containers.first(where: { $0.id == id }) { waiting[id] = known }
        case (.container, "destroy"), (.container, "remove"):
            settled.insert(id)
            ended.remove(id)
            waiting[id] = nil
            created.remove(id)
        case _: break
        }
        return false
    }

    private mutating func foresee(_ id: String, _ event: DockerEvent) -> Bool {
        settled.remove(id)
        ended.remove(id)
        guard let inventory else { return false }
        if waiting[id] == nil {
            // One that runs is connected to one more network.
            if !inventory.containers.contains(where: { $0.id == id }) {
                created.insert(id)
                starting.insert(id)
            }
            return false
        }
        foreseen.insert(id)
        guard starting.insert(id).inserted else { return false }
        add(.ran(foreseeing(inventory), after: ["\(event.action) \(event.name)"]))
        return true
    }

    mutating func nextQuestion() -> Question? {
        guard isStale else {
            isAsking = false
            return nil
        }
        defer { (isStale, isFirst, created, settled, foreseen, events) = (false, false, [], [], [], []) }
        return Question(isFirst: isFirst, created: created, settled: settled, events: events)
    }

    /// Of one that got no answer.
    mutating func takeBack(_ question: Question) {
        isStale = true
        isFirst = isFirst || question.isFirst
        created.formUnion(question.created)
        settled.formUnion(question.settled)
        events = (question.events + events).suffix(Self.rememberedEvents)
    }

    mutating func learn(_ answer: Inventory, waiting found: [Docker.Container], from question: Question) {
        if question.isFirst { waiting = [:] }
        for container in found { waiting[container.id] = container }
        var answer = answer
        for container in answer.containers where question.created.contains(container.id) {
            waiting[container.id] = container
        }
        // They may run already: then their start is an event of its own, and asked for again.
        answer.containers.removeAll { question.created.contains($0.id) && !question.settled.contains($0.id) }
        answer.containers.removeAll { ended.contains($0.id) }
        starting.subtract(question.settled.subtracting(foreseen))
        for container in answer.containers where !starting.contains(container.id) { waiting[container.id] = nil }
        inventory = answer
        add(.ran(foreseeing(answer), after: question.events))
    }

    private func foreseeing(_ inventory: Inventory) -> Inventory {
        let running = Set(inventory.containers.map(\.id))
        var foreseen = inventory
        foreseen.containers += starting.subtracting(running).compactMap { waiting[$0] }
        foreseen.containers.sort { ($0.name, $0.id) < ($1.name, $1.id) }
        return foreseen
    }

    /// An inventory makes an older one void, but not the events that led to it.
    mutating func add(_ report: EngineFollower.Report) {
        if case .ran(let inventory, let events) = report, case .ran(_, let earlier) = reports.last {
            let all = (earlier + events).suffix(Self.rememberedEvents)
            reports[reports.count - 1] = .ran(inventory, after: Array(all))
        } else if reports.count < Self.heldReports || report.isNeeded {
            reports.append(report)
        }
    }
}

extension EngineFollower.Report {
    /// Who cannot be asked may be said to be so once less.
    fileprivate var isNeeded: Bool {
        switch self {
        case .ran: true
        case .away(_, let isOver): isOver
        }
    }
}
