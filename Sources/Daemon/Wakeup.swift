internal import CLinux
internal import Glibc

/// Lets another thread end a wait.
public final class Wakeup: Sendable {
    public let descriptor: Int32

    public init() throws(SystemFailure) {
        descriptor = try SystemFailure.check("eventfd", clinux_event_descriptor())
    }

    deinit { _ = close(descriptor) }

    public func ring() {
        var one: UInt64 = 1
        // Eight bytes are read from the variable. Where the counter is full it has rung already.
        _ = unsafe write(descriptor, &one, MemoryLayout<UInt64>.size)
    }

    /// However often it has rung, it is silent now.
    public func silence() {
        var count: UInt64 = 0
        // Eight bytes are written into the variable.
        _ = unsafe read(descriptor, &count, MemoryLayout<UInt64>.size)
    }
}
