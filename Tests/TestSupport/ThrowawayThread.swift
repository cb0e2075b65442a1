import Foundation

/// Carries a value across threads that take turns, so that none of them can see a race.
private final class Handover<Value>: @unchecked Sendable {
    var value: Value
    init(_ value: Value) { self.value = value }
}

/// Runs `body` on a thread of its own, which ends with it, and waits. What the thread does to itself (setns) dies with it.
func onThrowawayThread<Value>(_ body: () throws -> Value) throws -> Value {
    try withoutActuallyEscaping(body) { escaping in
        let work = Handover(escaping)
        let result = Handover<Result<Value, any Error>?>(nil)
        let finished = DispatchSemaphore(value: 0)
        Thread.detachNewThread {
            let outcome = Result { try work.value() }
            result.value = outcome
            // The closure must be let go of before the caller goes on, for it is not really escaping.
            work.value = { throw BenchError("this thread has done its work") }
            finished.signal()
        }
        finished.wait()
        guard let outcome = result.value else { throw BenchError("the thread ended without a result") }
        return try outcome.get()
    }
}
