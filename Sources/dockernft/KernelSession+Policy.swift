internal import Compiler
internal import Confirmation
internal import Console
internal import Files
internal import FoundationEssentials
internal import NftablesKernel
internal import State

/// What is to be in force, as the runtime directory keeps it for whoever puts it back.
extension KernelSession {
    /// The process that keeps the table true, where there is one.
    var watcher: Int32? { namespaceCookie.flatMap { directory.watcher(namespace: $0) } }

    /// What was last asked for: by an apply that has ended, or that was killed after its commit. For whoever has the turn.
    func keptPolicy() throws -> KeptPolicy? {
        guard let cookie = namespaceCookie else { return nil }
        if let pending = directory.pendingPolicy(namespace: cookie) { try settle(pending, cookie) }
        return directory.policy(namespace: cookie)
    }

    /// Keeps the texts while `enforce` puts in force what they become: under a name of their own before the commit, so that at no
    /// moment a killed apply leaves a table that nobody knows.
    func keeping(
        _ texts: KeptPolicy.Texts, _ enforce: () throws -> Enforcement.Result
    ) throws -> Enforcement.Result {
        guard let cookie = namespaceCookie else { return try enforce() }
        let kept = KeptPolicy(boot: RuntimeDirectory.boot, namespace: cookie, wish: .inForce(texts))
        guard noting({ () throws(File.Failure) in try directory.keepPending(kept) }) else {
            let result = try enforce()
            directory.dropPolicy(namespace: cookie)
            return result
        }
        do {
            let result = try enforce()
            confirm(cookie)
            addToHistory(texts, result)
            return result
        } catch {
            switch error as? Enforcement.Loss {
            // The kernel has taken it: this is what was asked for last.
            case .deleted, .changed: confirm(cookie)
            case .foreign, .waiting, .noWayBack: directory.dropPending(namespace: cookie)
            case nil: try settle(kept, cookie)
            }
            throw error
        }
    }

    /// An apply that changes nothing has nothing to add.
    private func addToHistory(_ texts: KeptPolicy.Texts, _ result: Enforcement.Result) {
        switch result {
        case .wasInForce, .waits: return
        case .isInForce: break
        }
        do {
            try history.keep(texts, at: Int64(Date().timeIntervalSince1970))
        } catch {
            Console.report("dockernft: note: the policy is not kept for a later --rollback-to: \(error)")
        }
    }

    /// After `remove`, nobody is to put anything back, not even who knows the policy when what is kept of it was lost.
    func keepRemoval() {
        guard let cookie = namespaceCookie else { return }
        let kept = KeptPolicy(boot: RuntimeDirectory.boot, namespace: cookie, wish: .removed)
        directory.dropWaiting(namespace: cookie)
        noting { () throws(File.Failure) in
            try directory.keepPending(kept)
            try directory.confirmPending(namespace: cookie)
        }
    }

    // MARK: What waits to be confirmed

    /// Without what its sets hold; also what is left when its time is up.
    func waiting() throws(NetlinkError) -> WaitingTable? { try outline().flatMap { WaitingTable(in: $0.ruleset) } }

    func keeping(
        _ texts: KeptPolicy.Texts, _ term: Enforcement.Term, _ enforce: () throws -> Enforcement.Result
    ) throws -> Enforcement.Result {
        switch term {
        case .forGood: break
        case .onTrial:
            // What is kept of another one that waits is not to be lost.
            if let remaining = try waiting()?.remaining {
                throw Enforcement.Loss.waiting(milliseconds: remaining)
            }
            keepWaiting(texts)
            let result: Enforcement.Result
            do {
                result = try enforce()
            } catch let loss as Enforcement.Loss {
                switch loss {
                case .foreign, .waiting, .noWayBack: dropWaiting()
                case .deleted, .changed: break
                }
                throw loss
            } catch let refusal as LockoutGuard.Refusal {
                dropWaiting()
                throw refusal
            }
            if case .waits = result { return result }
            // There was nothing to wait for.
            dropWaiting()
            return try keeping(texts) { result }
        }
        let result = try keeping(texts, enforce)
        dropWaiting()
        return result
    }

    /// Keeps the texts of a policy that is about to wait. What was asked for before stays what is put back.
    func keepWaiting(_ texts: KeptPolicy.Texts) {
        guard let cookie = namespaceCookie else { return }
        let kept = KeptPolicy(boot: RuntimeDirectory.boot, namespace: cookie, wish: .inForce(texts))
        if !noting({ () throws(File.Failure) in try directory.keepWaiting(kept) }) { dropWaiting() }
    }

    /// The texts of the policy with this digest, where they are known.
    func waitingTexts(digest: String?) -> KeptPolicy.Texts? {
        guard let digest, let cookie = namespaceCookie,
            case .inForce(let texts)? = directory.waitingPolicy(namespace: cookie)?.wish, texts.digest == digest
        else { return nil }
        return texts
    }

    func dropWaiting() {
        if let cookie = namespaceCookie { directory.dropWaiting(namespace: cookie) }
    }

    /// Nobody knows what was asked for last.
    func dropPolicy() {
        if let cookie = namespaceCookie { directory.dropPolicy(namespace: cookie) }
    }

    /// A table carries the digest of what it was made of.
    private func settle(_ pending: KeptPolicy, _ cookie: UInt64) throws {
        switch pending.wish {
        case .inForce(let texts):
            let digest = (try? outline()).flatMap { $0.flatMap { Compiler.digest(of: $0.ruleset) } }
            if digest == texts.digest { return confirm(cookie) }
        case .removed:
            if try header() == nil { return confirm(cookie) }
        }
        directory.dropPending(namespace: cookie)
    }

    private func confirm(_ cookie: UInt64) {
        noting { () throws(File.Failure) in try directory.confirmPending(namespace: cookie) }
    }

    /// Whether it could be done.
    @discardableResult
    private func noting(_ body: () throws(File.Failure) -> Void) -> Bool {
        do {
            try body()
            return true
        } catch {
            Console.report("dockernft: note: the policy is not kept for dockernft watch: \(error)")
            return false
        }
    }
}
