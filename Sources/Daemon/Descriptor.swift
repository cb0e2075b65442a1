internal import Glibc

/// A call of the kernel that failed.
public struct SystemFailure: Error, Hashable, Sendable, CustomStringConvertible {
    public var call: String
    public var code: Int32

    public var description: String {
        // strerror's text is copied before anything else can change it.
        "\(call): \(unsafe String(cString: strerror(code)))"
    }

    init(_ call: String, _ code: Int32) {
        self.call = call
        self.code = code
    }

    /// What a call of CLinux answers: a descriptor, or an errno below zero.
    static func check(_ call: String, _ answer: Int32) throws(SystemFailure) -> Int32 {
        guard answer >= 0 else { throw SystemFailure(call, 0 &- answer) }
        return answer
    }
}

/// Sleeps until something can be read, or until a moment that is known beforehand: who waits uses nothing.
public enum Waiting {
    /// Which of the descriptors have something to read, or are at their end. Those below zero are passed over.
    public static func untilReadable(
        _ descriptors: [Int32], noLongerThan limit: Duration? = nil
    ) throws(SystemFailure) -> [Bool] {
        var entries = descriptors.map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
        let deadline = limit.map { ContinuousClock.now + $0 }
        // The array is written during the call only, no further than its own count.
        while unsafe poll(&entries, nfds_t(entries.count), milliseconds(until: deadline)) < 0 {
            guard errno == EINTR else { throw SystemFailure("poll", errno) }
        }
        return entries.map { $0.revents != 0 }
    }

    /// Rounded up, so that the moment has come when poll ends; -1 is for ever.
    private static func milliseconds(until deadline: ContinuousClock.Instant?) -> Int32 {
        guard let deadline else { return -1 }
        let left = ContinuousClock.now.duration(to: deadline).components
        let milliseconds = left.seconds * 1000 + left.attoseconds / 1_000_000_000_000_000 + 1
        return Int32(clamping: max(milliseconds, 0))
    }
}
