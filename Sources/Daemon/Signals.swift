internal import CLinux
internal import Glibc

/// Signals that are read instead of interrupting: SIGTERM and SIGINT ask for the end, SIGHUP for the policy to be read anew.
public struct Signals: ~Copyable, Sendable {
    public enum Request: Hashable, Sendable {
        case end
        case reload
    }

    public let descriptor: Int32

    /// Before any other thread is started: threads inherit it, and one that does not would be ended by the signal.
    public init() throws(SystemFailure) {
        let numbers = [SIGTERM, SIGINT, SIGHUP]
        // The array is read during the call only.
        descriptor = try SystemFailure.check("signalfd", unsafe clinux_signal_descriptor(numbers, numbers.count))
    }

    deinit { _ = close(descriptor) }

    /// Those that have come, each once: the end first.
    public func take() -> [Request] {
        var requests: Set<Request> = []
        while true {
            switch clinux_take_signal(descriptor) {
            case 0: return [.end, .reload].filter(requests.contains)
            case SIGHUP: requests.insert(.reload)
            case _: requests.insert(.end)
            }
        }
    }
}
