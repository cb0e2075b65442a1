public import Docker
public import Files

/// Where records are kept. It is emptied by a reboot, as the kernel's tables are.
public struct RuntimeDirectory: Sendable {
    public static let standard = "/run/dockernft"

    public var path: String

    public init(path: String) { self.path = path }

    private func file(namespace: UInt64) -> String { "\(path)/\(namespace).applied" }

    private func inventoryFile(namespace: UInt64) -> String { "\(path)/\(namespace).inventory" }

    /// Nil where there is none, or none that can be read: the kernel is then asked for everything.
    public func record(namespace: UInt64) -> AppliedRecord? {
        guard let bytes = try? File.read(file(namespace: namespace)) else { return nil }
        return AppliedRecord(bytes: bytes)
    }

    /// In one step, so that no command ever reads half a record.
    public func keep(_ record: AppliedRecord) throws(File.Failure) {
        try File.makeDirectory(path)
        try File.replace(file(namespace: record.place.namespace), with: record.encoded())
    }

    /// What Docker ran when the policy was applied last: what is known of it while it cannot be asked. Nil where nothing is kept, or
    /// nothing that can be read.
    public func inventory(namespace: UInt64) -> Inventory? {
        guard let bytes = try? File.read(inventoryFile(namespace: namespace)) else { return nil }
        return Inventory(bytes: bytes)
    }

    public func keep(_ inventory: Inventory, namespace: UInt64) throws(File.Failure) {
        try File.makeDirectory(path)
        try File.replace(inventoryFile(namespace: namespace), with: inventory.encoded())
    }

    public func forgetInventory(namespace: UInt64) { File.remove(inventoryFile(namespace: namespace)) }

    public func forget(namespace: UInt64) {
        File.remove(file(namespace: namespace))
        forgetInventory(namespace: namespace)
    }

    // MARK: What is to be in force

    private func policyFile(_ namespace: UInt64) -> String { "\(path)/\(namespace).policy" }
    private func pendingFile(_ namespace: UInt64) -> String { "\(path)/\(namespace).policy.pending" }

    /// Nil where there is none that can be read, or it is of another boot.
    public func policy(namespace: UInt64) -> KeptPolicy? { policy(at: policyFile(namespace), namespace) }

    /// One whose apply has begun, and perhaps not ended.
    public func pendingPolicy(namespace: UInt64) -> KeptPolicy? { policy(at: pendingFile(namespace), namespace) }

    private func policy(at file: String, _ namespace: UInt64) -> KeptPolicy? {
        guard let bytes = try? File.read(file), let kept = KeptPolicy(bytes: bytes), kept.namespace == namespace,
            kept.boot == Self.boot
        else { return nil }
        return kept
    }

    /// Before the commit: whoever finds it can tell by the table's digest whether the commit came to pass.
    public func keepPending(_ policy: KeptPolicy) throws(File.Failure) {
        try File.makeDirectory(path)
        try File.replace(pendingFile(policy.namespace), with: policy.encoded())
    }

    /// After the commit, in one step.
    public func confirmPending(namespace: UInt64) throws(File.Failure) {
        try File.rename(pendingFile(namespace), to: policyFile(namespace))
    }

    public func dropPending(namespace: UInt64) { File.remove(pendingFile(namespace)) }

    /// What was asked for last is not known any more: better nothing than what was asked for before.
    public func dropPolicy(namespace: UInt64) {
        dropPending(namespace: namespace)
        File.remove(policyFile(namespace))
    }

    private func waitingFile(_ namespace: UInt64) -> String { "\(path)/\(namespace).policy.waiting" }

    /// The one that waits to be confirmed. It is the one in the table only where the digests say so.
    public func waitingPolicy(namespace: UInt64) -> KeptPolicy? { policy(at: waitingFile(namespace), namespace) }

    public func keepWaiting(_ policy: KeptPolicy) throws(File.Failure) {
        try File.makeDirectory(path)
        try File.replace(waitingFile(policy.namespace), with: policy.encoded())
    }

    public func dropWaiting(namespace: UInt64) { File.remove(waitingFile(namespace)) }

    // MARK: Locks

    /// Of those who change the table or what is kept of it: one at a time. Nil where it is not wanted any more.
    public func waitForTurn(
        namespace: UInt64, while isWanted: (Duration) -> Bool
    ) throws(File.Failure) -> FileLock? {
        try File.makeDirectory(path)
        return try FileLock.wait(for: turnFile(namespace), while: isWanted)
    }

    /// The process whose turn it is.
    public func holderOfTurn(namespace: UInt64) -> Int32? { FileLock.holder(of: turnFile(namespace)) }

    private func turnFile(_ namespace: UInt64) -> String { "\(path)/\(namespace).lock" }

    /// Nil where somebody watches this namespace already.
    public func takeWatch(namespace: UInt64) throws(File.Failure) -> FileLock? {
        try File.makeDirectory(path)
        return try FileLock.take(watchFile(namespace))
    }

    /// The process that watches the namespace.
    public func watcher(namespace: UInt64) -> Int32? { FileLock.holder(of: watchFile(namespace)) }

    private func watchFile(_ namespace: UInt64) -> String { "\(path)/\(namespace).watch" }

    /// This boot, told apart from all others; empty where the kernel does not say.
    public static var boot: String {
        let bytes = (try? File.read("/proc/sys/kernel/random/boot_id")) ?? []
        return String(decoding: bytes, as: UTF8.self).filter { !$0.isWhitespace }
    }
}
