internal import Console
internal import Files
internal import State

extension KernelSession {
    /// How long others are waited for.
    enum Patience {
        case endless
        /// Nothing is done where somebody wants the command to end meanwhile.
        case unless(() -> Bool)
    }

    enum Turn {
        case ours
        /// Somebody else may have it.
        case notWaitedFor
    }

    /// What takes back has to come to pass at once. Whoever has the turn and has stopped in the middle of it holds nobody up: a
    /// commit of his finds another generation than he has read. What is kept is his, and `body` leaves it alone.
    func inTurnOrSoon<Value>(_ body: (Turn) throws -> Value) throws -> Value {
        guard let namespaceCookie else { return try body(.ours) }
        let lock = turn(namespaceCookie) { $0 < Self.short }
        return try withExtendedLifetime(lock) { try body(lock == nil ? .notWaitedFor : .ours) }
    }

    /// Runs `body` while no other dockernft changes the table or what is kept of it. Where there can be no lock there is nobody
    /// who could keep anything either.
    func inTurn<Value>(_ patience: Patience = .endless, _ body: () throws -> Value) throws -> Value {
        guard let namespaceCookie else { return try body() }
        var isInterrupted = false
        let lock = turn(namespaceCookie) { _ in
            switch patience {
            case .endless: return true
            case .unless(let condition):
                isInterrupted = condition()
                return !isInterrupted
            }
        }
        if case .unless(let condition) = patience, !isInterrupted { isInterrupted = condition() }
        if isInterrupted {
            Console.report("dockernft: interrupted: nothing was changed")
            throw ExitStatus.no
        }
        return try withExtendedLifetime(lock, body)
    }

    private func turn(_ namespace: UInt64, while isWanted: (Duration) -> Bool) -> FileLock? {
        var isNoted = false
        return try? directory.waitForTurn(namespace: namespace) { waited in
            if waited > Self.noted, !isNoted {
                isNoted = true
                noteHolder(namespace)
            }
            return isWanted(waited)
        }
    }

    private static let noted = Duration.seconds(1)
    private static let short = Duration.seconds(2)

    private func noteHolder(_ namespace: UInt64) {
        guard let holder = directory.holderOfTurn(namespace: namespace) else { return }
        Console.report("dockernft: waiting for process \(holder), a dockernft that changes the table just now")
    }
}
