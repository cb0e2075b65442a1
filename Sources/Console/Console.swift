internal import Glibc

/// The terminal, or whatever stands in its place.
public enum Console {
    public enum Stream: Int32, Sendable {
        case input = 0
        case output = 1
        case error = 2

        static let all = [input, output, error]

        public var isTerminal: Bool { isatty(rawValue) == 1 }
    }

    /// From now on a reader that goes away ends nothing but the printing.
    public static func outliveReaders() { _ = signal(SIGPIPE, SIG_IGN) }

    /// The number of a stream that is closed would go to the next file that is opened, and our words to the kernel. It is taken by a
    /// file that nobody can use as that stream.
    public static func keepPlaces() {
        for stream in Stream.all where fcntl(stream.rawValue, F_GETFD) < 0 {
            // The path is read during the call only, and the lowest number that is free is this stream's.
            _ = unsafe open("/dev/null", stream == .input ? O_WRONLY : O_RDONLY)
        }
    }

    /// Results.
    public static func print(_ text: String) throws(OutputFailure) { try write(line(text)) }

    /// The last word about what has been done: it stays done where nobody can be told.
    public static func conclude(_ text: String) throws(OutputFailure) {
        do { try print(text) } catch { throw error.despite(text) }
    }

    /// Results as they are. A reader that has gone away wants no more of them, and that is no failure.
    public static func write(_ bytes: [UInt8]) throws(OutputFailure) {
        if let code = send(bytes, to: .output), code != EPIPE { throw OutputFailure(code: code) }
    }

    /// Everything that is not a result. Where even this cannot be written, there is nobody left to tell.
    public static func report(_ text: String) { report(line(text)) }

    public static func report(_ bytes: [UInt8]) { _ = send(bytes, to: .error) }

    /// What was typed before a question was asked answers none.
    public static func forgetTyped() { _ = tcflush(Stream.input.rawValue, TCIFLUSH) }

    /// What stands at the input now, and waits where nothing does; empty at its end.
    public static func read() -> [UInt8] {
        var page = [UInt8](repeating: 0, count: 4096)
        while true {
            // No more than the array holds is written into it.
            let count = unsafe Glibc.read(Stream.input.rawValue, &page, page.count)
            if count >= 0 { return Array(page.prefix(count)) }
            if errno != EINTR { return [] }
        }
    }

    /// The error's number, where not all could be sent.
    private static func send(_ bytes: [UInt8], to stream: Stream) -> Int32? {
        var sent = 0
        while sent < bytes.count {
            // Reads within the array, from `sent` to its end.
            let count = unsafe bytes.withUnsafeBytes {
                unsafe Glibc.write(stream.rawValue, $0.baseAddress?.advanced(by: sent), bytes.count - sent)
            }
            switch (count, errno) {
            case (1..., _): sent += count
            case (-1, EINTR): continue
            case (-1, EAGAIN): waitUntilWritable(stream)
            case (-1, let code): return code
            case _: return EIO
            }
        }
        return nil
    }

    /// Whoever shares the terminal or the pipe with us may have said that nobody waits for it.
    private static func waitUntilWritable(_ stream: Stream) {
        var entry = pollfd(fd: stream.rawValue, events: Int16(POLLOUT), revents: 0)
        // One entry, which the kernel writes to during the call.
        unsafe _ = poll(&entry, 1, -1)
    }

    private static func line(_ text: String) -> [UInt8] { Array(text.utf8) + [UInt8(ascii: "\n")] }
}
