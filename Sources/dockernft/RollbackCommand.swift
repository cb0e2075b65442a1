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
        Console.print(try Self.takeBack(try KernelSession(kernel)))
    }

    /// What has become of it.
    static func takeBack(_ session: KernelSession) throws -> String {
        try session.inTurn {
            switch try TableSwitch(session: session).run(.plain) {
            case .nothingWaits, .expired:
                session.dropWaiting()
                throw Confirm.Loss.nothingWaits
            case .done(let waiting):
                session.dropWaiting()
                let before =
                    waiting.plain == nil
                    ? "as before, the kernel has no table of ours" : "the rules of before are in force"
                return waiting.isExpired
                    ? "its time was up already: \(before), and what was left of it is removed" : "taken back: \(before)"
            }
        }
    }

    /// What is left of a policy whose time is up, for whoever has the turn.
    static func removeRemains(_ session: KernelSession) throws {
        guard try LiveTable.read(session).waiting?.isExpired == true else { return }
        _ = try TableSwitch(session: session).run(.plain)
        session.dropWaiting()
    }
}
