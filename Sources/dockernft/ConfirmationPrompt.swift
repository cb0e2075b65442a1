internal import Compiler
internal import Confirmation
internal import Console
internal import Daemon
internal import NftablesKernel

/// Asks at a terminal whether what has been applied is to stay, and counts down. The kernel does not wait for it: whatever becomes
/// of this process, it takes the policy back in time.
final class ConfirmationPrompt {
    private let signals: Signals
    private var line = ""
    private var shown = 0
    /// What waited when it was last looked at, without what its sets hold.
    private var waiting: WaitingTable?

    /// Before any other thread is there; nil where nobody can be asked.
    init?() throws(SystemFailure) {
        guard Console.Stream.input.isTerminal, Console.Stream.output.isTerminal else { return nil }
        signals = try Signals()
    }

    /// Whether somebody wants the command to end, before it has done anything or while it waits for others.
    var isInterrupted: Bool { !signals.take().isEmpty }

    private enum State {
        case waits(milliseconds: UInt64)
        case expired
        case kept
        case takenBack
        case deleted
    }

    private enum Answer {
        case keep
        case takeBack
        case nobodyThere
    }

    func ask(about path: String, _ session: KernelSession) throws {
        var monitor = try RulesetMonitor(table: Compiler.tableName, namespace: session.namespacePath)
        write("applied \(path), and nothing is for good yet. Look whether you still get in from elsewhere.\n")
        var deadline: ContinuousClock.Instant?
        Console.forgetTyped()
        while true {
            let state: State
            do {
                state = try look(session, deadline)
            } catch let error as NetlinkError where error.isInterrupted {
                // Others commit all the time; the clock goes on.
                let left = deadline.map { ContinuousClock.now.duration(to: $0).components.seconds } ?? 1
                state = .waits(milliseconds: UInt64(max(left, 1)) * 1000)
            }
            switch state {
            case .expired:
                clear()
                let before = try session.inTurnOrSoon { try Rollback.removeRemains(session, $0) }
                Console.report("taken back: nobody confirmed it in time" + (before.map { ", and \($0)" } ?? ""))
                throw ExitStatus.no
            case .kept:
                clear()
                return try Console.conclude("confirmed from another session: the new policy is in force for good")
            case .takenBack:
                clear()
                Console.report("taken back from another session: the new policy is not in force")
                throw ExitStatus.no
            case .deleted:
                clear()
                Console.report("somebody has deleted the table: neither the new rules nor those of before are in force")
                throw ExitStatus.no
            case .waits(let milliseconds):
                deadline = .now + .milliseconds(Int(clamping: milliseconds))
                show("keep it? [y/n] taken back in \(TimeText.duration(milliseconds)): ")
                // Up to the next whole second.
                let tick = Duration.milliseconds(Int(milliseconds % 1000) + 1)
                let isReadable = try Waiting.untilReadable(
                    [Console.Stream.input.rawValue, signals.descriptor, monitor.descriptor], noLongerThan: tick)
                if isReadable[2] { _ = try monitor.take() }
                let answer = isReadable[1] ? signalled() : isReadable[0] ? typed() : nil
                if let answer { return try follow(answer, milliseconds, session) }
            }
        }
    }

    private func look(_ session: KernelSession, _ deadline: ContinuousClock.Instant?) throws -> State {
        guard let table = try session.outline() else {
            if let waiting, waiting.plain != nil { return .deleted }
            return isOver(deadline) ? .expired : .takenBack
        }
        guard let now = WaitingTable(in: table.ruleset) else {
            if try isKept(table, session) { return .kept }
            return isOver(deadline) ? .expired : .takenBack
        }
        waiting = now
        return now.remaining.map { .waits(milliseconds: $0) } ?? .expired
    }

    private func isKept(_ table: ObservedTable, _ session: KernelSession) throws -> Bool {
        guard let waiting, let digest = Compiler.digest(of: waiting.next), Compiler.digest(of: table.ruleset) == digest
        else { return false }
        guard digest == waiting.plain.flatMap({ Compiler.digest(of: $0) }) else { return true }
        // The same policy, over rules that somebody had changed: these are not what their digest says.
        return try session.table().map { LiveTable.isAsDigested($0.ruleset) } ?? false
    }

    /// Whoever watches may have taken away what was left before we looked.
    private func isOver(_ deadline: ContinuousClock.Instant?) -> Bool { deadline.map { $0 <= .now } ?? false }

    private func signalled() -> Answer? {
        let requests = signals.take()
        if requests.contains(.end) { return .takeBack }
        // SIGHUP: the terminal is gone.
        return requests.isEmpty ? nil : .nobodyThere
    }

    private func typed() -> Answer? {
        let bytes = Console.read()
        if bytes.isEmpty { return .nobodyThere }
        line += String(decoding: bytes, as: UTF8.self)
        guard let end = line.lastIndex(where: \.isNewline) else { return nil }
        let answer = line[..<end].split(whereSeparator: \.isNewline).last ?? ""
        line = ""
        shown = 0
        return switch answer.filter({ !$0.isWhitespace }).lowercased() {
        case "y", "yes": .keep
        case "n", "no": .takeBack
        case _: nil
        }
    }

    private func follow(_ answer: Answer, _ milliseconds: UInt64, _ session: KernelSession) throws {
        switch answer {
        case .keep:
            try Confirm.keep(session, .unless { self.isInterrupted })
            try Console.conclude("confirmed: the new policy is in force for good")
        case .takeBack:
            clear()
            Console.report(try Rollback.takeBack(session))
            throw ExitStatus.no
        case .nobodyThere:
            clear()
            write(ApplyTerm.text(milliseconds) + "\n")
        }
    }

    // MARK: One line, written over and over

    private func show(_ text: String) {
        let padding = String(repeating: " ", count: max(shown - text.count, 0))
        let back = padding.isEmpty ? "" : "\r" + text
        shown = text.count
        write("\r" + text + padding + back)
    }

    private func clear() {
        write("\r" + String(repeating: " ", count: shown) + "\r")
        shown = 0
    }

    /// That a terminal is gone is seen where it is read.
    private func write(_ text: String) { try? Console.write(Array(text.utf8)) }
}

/// What is said of a policy that waits where nobody is asked.
enum ApplyTerm {
    static func text(_ milliseconds: UInt64) -> String {
        "in force for \(TimeText.duration(milliseconds)), until \(TimeText.moment(in: milliseconds)): "
            + "'dockernft confirm' keeps it, 'dockernft rollback' takes it back at once, and otherwise the kernel does then"
    }
}
