internal import FoundationEssentials

/// Where records are kept. It is emptied by a reboot, as the kernel's tables are.
public struct RuntimeDirectory: Sendable {
    public static let standard = "/run/dockernft"

    public var path: String

    public init(path: String) { self.path = path }

    private func file(namespace: UInt64) -> String { "\(path)/\(namespace).applied" }

    /// Nil where there is none, or none that can be read: the kernel is then asked for everything.
    public func record(namespace: UInt64) -> AppliedRecord? {
        guard let content = FileManager.default.contents(atPath: file(namespace: namespace)) else { return nil }
        return AppliedRecord(bytes: Array(content))
    }

    /// In one step, so that no command ever reads half a record.
    public func keep(_ record: AppliedRecord) throws {
        try FileManager.default.createDirectory(
            atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        try Data(record.encoded()).write(
            to: URL(filePath: file(namespace: record.place.namespace)), options: [.atomic])
    }

    public func forget(namespace: UInt64) {
        try? FileManager.default.removeItem(atPath: file(namespace: namespace))
    }

    /// This boot, told apart from all others; empty where the kernel does not say.
    public static var boot: String {
        let content = FileManager.default.contents(atPath: "/proc/sys/kernel/random/boot_id") ?? Data()
        return String(decoding: content, as: UTF8.self).filter { !$0.isWhitespace }
    }
}
