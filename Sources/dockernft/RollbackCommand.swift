internal import ArgumentParser
internal import Confirmation
internal import Console

struct Rollback: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Take back at once what 'apply --confirm-within' has put in force for a time.",
        discussion: """
            Needs nothing but the kernel's table. Exit status 0: the rules of before are in force, 1: nothing waits.
            """)

    @OptionGroup var kernel: KernelOptions

    mutating func run() throws {
        try Console.conclude(Self.takeBack(KernelSession(kernel)))
    }

    /// What has become of it.
    static func takeBack(_ session: KernelSession) throws -> String {
        try session.inTurnOrSoon { turn in
            switch try TableSwitch(session: session).run(.plain) {
            case .nothingWaits, .expired, .damaged:
                dropWaiting(session, turn)
                throw Confirm.Loss.nothingWaits
            case .done(let waiting):
                dropWaiting(session, turn)
                if waiting.plain != nil, let table = try? session.table(), !LiveTable.isIntact(table) {
                    Console.report("dockernft: note: somebody has changed these rules; see dockernft diff")
                }
                remindOfFile()
                return waiting.isExpired
                    ? "its time was up already: \(waiting.before), and what was left of it is removed"
                    : "taken back: \(waiting.before)"
            }
        }
    }

    /// Whoever has the turn may have kept his policy, and not have put it in force yet. What is left of another one is no one's.
    private static func dropWaiting(_ session: KernelSession, _ turn: KernelSession.Turn) {
        switch turn {
        case .ours: session.dropWaiting()
        case .notWaitedFor: break
        }
    }

    /// What is left of a policy whose time is up. Says what is in force.
    @discardableResult
    static func removeRemains(_ session: KernelSession, _ turn: KernelSession.Turn = .ours) throws -> String? {
        guard let waiting = try LiveTable.read(session).waiting, waiting.isExpired else { return nil }
        _ = try TableSwitch(session: session).run(.plain)
        dropWaiting(session, turn)
        remindOfFile()
        return waiting.before
    }

    /// What was tried is still in the file that it came from.
    private static func remindOfFile() {
        Console.report(
            "dockernft: note: the policy's file is as it was tried: the next apply, and the next start of the machine, take it as it is; "
                + "'dockernft history' has what is in force")
    }
}
