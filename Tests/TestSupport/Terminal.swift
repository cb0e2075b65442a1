import Foundation
import Glibc

/// A terminal (pty(7)) at which a program runs, and somebody reads and types.
public final class Terminal {
    private var primary: Int32
    /// Of the side that the program has.
    let path: String
    private var seen = ""

    public init() throws {
        primary = unsafe open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK)
        guard primary >= 0 else { throw BenchError("open /dev/ptmx", errno: errno) }
        var isLocked: CInt = 0
        var number: CInt = 0
        // Each reads or writes one number during the call.
        guard unsafe ioctl(primary, Self.setLock, &isLocked) == 0, unsafe ioctl(primary, Self.getNumber, &number) == 0
        else { throw BenchError("a terminal", errno: errno) }
        path = "/dev/pts/\(number)"
    }

    /// TIOCSPTLCK and TIOCGPTN of `asm-generic/ioctls.h`: their macros are not imported.
    private static let setLock: UInt = 0x4004_5431
    private static let getNumber: UInt = 0x8004_5430

    deinit { hangUp() }

    /// Everything that was written to it so far, what was typed included.
    public var text: String {
        var page = [UInt8](repeating: 0, count: 4096)
        while primary >= 0 {
            let count = unsafe read(primary, &page, page.count)
            if count <= 0 { break }
            seen += String(decoding: page.prefix(count), as: UTF8.self)
        }
        return seen
    }

    /// Control characters too: "\u{3}" interrupts, and "\u{4}" on an empty line is its end.
    public func type(_ text: String) {
        let bytes = Array(text.utf8)
        unsafe _ = write(primary, bytes, bytes.count)
    }

    /// As when a connection to it breaks.
    public func hangUp() {
        if primary >= 0 { close(primary) }
        primary = -1
    }
}
