internal import Glibc

/// The terminal, or whatever stands in its place.
public enum Console {
    public enum Stream: Int32, Sendable {
        case input = 0
        case output = 1
        case error = 2

        public var isTerminal: Bool { isatty(rawValue) == 1 }
    }

    /// From now on a reader that goes away ends nothing but the printing.
    public static func outliveReaders() { _ = signal(SIGPIPE, SIG_IGN) }

    /// Results.
    public static func print(_ text: String) { write(text, to: .output) }

    /// Everything that is not a result.
    public static func report(_ text: String) { write(text, to: .error) }

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

    public static func write(_ bytes: [UInt8], to stream: Stream) {
        var sent = 0
        while sent < bytes.count {
            // Reads within the array, from `sent` to its end.
            let count = unsafe bytes.withUnsafeBytes {
                unsafe Glibc.write(stream.rawValue, $0.baseAddress?.advanced(by: sent), bytes.count - sent)
            }
            if count > 0 { sent += count } else if errno != EINTR { return }
        }
    }

    private static func write(_ text: String, to stream: Stream) {
        write(Array(text.utf8) + [UInt8(ascii: "\n")], to: stream)
    }
}
