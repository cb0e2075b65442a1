import Foundation
import Glibc

/// A file without a name: no reader has to keep up with its writer.
final class ScratchFile {
    let descriptor: Int32

    init() throws {
        var template = Array(NSTemporaryDirectory().utf8CString.dropLast()) + Array("dnft-XXXXXX".utf8CString)
        descriptor = unsafe mkstemp(&template)
        guard descriptor >= 0 else { throw BenchError("mkstemp", errno: errno) }
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        unsafe unlink(&template)
    }

    deinit { close(descriptor) }

    func write(_ text: String) throws {
        var left = Array(text.utf8)[...]
        while !left.isEmpty {
            let written = unsafe left.withUnsafeBytes { unsafe Glibc.write(descriptor, $0.baseAddress, $0.count) }
            guard written > 0 else { throw BenchError("write", errno: errno) }
            left = left.dropFirst(written)
        }
        lseek(descriptor, 0, SEEK_SET)
    }

    var text: String {
        lseek(descriptor, 0, SEEK_SET)
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65536)
        while true {
            let count = unsafe read(descriptor, &buffer, buffer.count)
            guard count > 0 else { break }
            bytes += buffer[..<count]
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
