internal import ArgumentParser
internal import Compiler
internal import Confirmation
internal import Console
internal import State

struct Confirm: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Keep the policy that 'apply --confirm-within' has put in force for a time.",
        discussion: """
            Needs nothing but the kernel's table. Exit status 0: it is in force for good, 1: nothing waits, or its time is up.
            """)

    @OptionGroup var kernel: KernelOptions

    mutating func run() throws {
        let session = try KernelSession(kernel)
        try Self.keep(session)
        try Console.conclude("confirmed: the new policy is in force for good")
    }

    static func keep(_ session: KernelSession, _ patience: KernelSession.Patience = .endless) throws {
        try session.inTurn(patience) {
            let live = try LiveTable.read(session)
            let waiting = live.isForeign ? nil : live.waiting
            if let texts = session.waitingTexts(digest: waiting.flatMap { Compiler.digest(of: $0.next) }) {
                _ = try session.keeping(texts) { try switchOver(session) }
            } else {
                _ = try switchOver(session)
                // What was asked for before is not to be put back over it.
                session.dropPolicy()
                Console.report(
                    "dockernft: note: what was kept of its text is lost: dockernft watch and history do not know it before the next apply"
                )
            }
            session.dropWaiting()
        }
    }

    private static func switchOver(_ session: KernelSession) throws -> Enforcement.Result {
        switch try TableSwitch(session: session).run(.next) {
        case .done: return .isInForce(.asSent)
        case .nothingWaits: throw Loss.nothingWaits
        case .damaged(let damage): throw Loss.damaged(damage)
        case .expired:
            let path = session.record()?.waiting?.policyPath ?? "POLICY"
            let before = try Rollback.removeRemains(session)
            throw Loss.expired(path, before: before ?? "nothing is left of it")
        }
    }

    /// Why nothing was confirmed.
    enum Loss: Error {
        case nothingWaits
        case damaged(String)
        case expired(String, before: String)

        var text: String {
            switch self {
            case .nothingWaits: "dockernft: nothing waits to be confirmed"
            case .damaged(let damage):
                "dockernft: somebody has changed what waits, and it is not confirmed: \(damage); "
                    + "'dockernft rollback' takes it back"
            case .expired(let path, let before):
                "dockernft: its time is up: the kernel has taken it back, and \(before); "
                    + "'dockernft apply \(path)' applies it again"
            }
        }
    }
}
