import Testing

@testable import TestSupport

/// What was there without us, cell by cell, against which every policy is held.
struct Inspection {
    let host: DockerHost
    let estate: Estate
    let cells: [Cell]
    let before: [Outcome]

    /// Asks every cell, with no table of ours in force. `place` is where a container is.
    init(_ host: DockerHost, _ estate: Estate, _ place: (String) throws -> Place) throws {
        self.host = host
        self.estate = estate
        let cells = estate.cells + (try estate.insideCells(place))
        self.cells = cells
        var before = try host.probe(cells.map(\.probe))
        // A slow answer is no silence.
        let silent = before.indices.filter { before[$0] == .silent }
        for (index, again) in zip(silent, try host.probe(silent.map { cells[$0].probe })) { before[index] = again }
        self.before = before
        for (cell, outcome) in zip(cells, before) {
            if case .notSent = outcome { Issue.record("\(cell): \(outcome)") }
        }
        let inside = zip(cells, before).filter { $0.path == .inside && $1.isEntry }.map(\.0)
        try compareWithAudit(before, "without us")
        for (caller, target) in Estate.errands {
            #expect(
                inside.contains { $0.caller == caller && $0.target == target }, "\(caller) to \(target), without us")
        }
    }

    /// With our table in force: who is let in gets what he got without us; nobody else hears a thing.
    func expect(_ form: Form, _ comment: String, sourceLocation: SourceLocation = #_sourceLocation) throws {
        let tally = try tally(form)
        try compareWithAudit(tally.after, "\(comment), \(form.rawValue)")
        for text in tally.wrong {
            Issue.record("\(text); \(comment), \(form.rawValue)", sourceLocation: sourceLocation)
        }
        // It was no matrix of doors that are closed anyway, nor one of closing everything.
        #expect(tally.openBefore >= 600, "\(comment)", sourceLocation: sourceLocation)
        #expect(tally.closed >= 200, "\(comment)", sourceLocation: sourceLocation)
        #expect(tally.open >= 200, "\(comment)", sourceLocation: sourceLocation)
    }

    /// Who gets through is what the audit makes of the kernel's rules.
    private func compareWithAudit(_ outcomes: [Outcome], _ comment: String) throws {
        for text in wrong(try agreement(), outcomes) { Issue.record("\(text); \(comment)") }
    }

    /// With the rules that are in force now.
    func agreement() throws -> Agreement { try Agreement(host, estate) }

    func wrong(_ agreement: Agreement, _ outcomes: [Outcome]) -> [String] {
        var agreement = agreement
        for (cell, outcome) in zip(cells, outcomes) { agreement.compare(cell, outcome) }
        return agreement.wrong
    }

    func tally(_ form: Form) throws -> Tally {
        let probes = zip(cells, before).map { cell, before in
            var probe = cell.probe
            switch cell.right(in: form) {
            case .entry: probe.expected = before.isEntry ? before : .silent
            case .nothing: probe.expected = .silent
            case .either: probe.expected = nil
            }
            return probe
        }
        var tally = Tally(after: try host.probe(probes))
        for (index, after) in tally.after.enumerated() {
            let (cell, before) = (cells[index], before[index])
            if before.isEntry { tally.openBefore += 1 }
            if before.isEntry, after.isEntry { tally.open += 1 }
            if before.isEntry, after == .silent { tally.closed += 1 }
            let isRight =
                switch cell.right(in: form) {
                // Where nobody answers anyway it is of no account whether an ICMP error comes, which the kernel limits in rate.
                case _ where !before.isEntry: !after.isEntry
                case .entry: after == before
                case .nothing: after == .silent
                case .either: after == before || after == .silent
                }
            if !isRight { tally.wrong.append("\(cell): \(after); without us \(before)") }
        }
        return tally
    }
}

/// What came of the cells.
struct Tally {
    var after: [Outcome]
    /// Where somebody answered without us.
    var openBefore = 0
    /// Of those, where somebody still does.
    var open = 0
    /// Of those, where we keep everybody out.
    var closed = 0
    /// What is not as the policy says.
    var wrong: [String] = []
}

extension Outcome {
    /// Whether a connection or an answer came about.
    var isEntry: Bool {
        switch self {
        case .answered, .connected: true
        case .refused, .silent, .notSent: false
        }
    }
}
