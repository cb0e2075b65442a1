internal import ArgumentParser
internal import Console
internal import Daemon
internal import DockerSocket
internal import FoundationEssentials
internal import State

struct Watch: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Stay, follow what Docker runs, and put the table back when somebody touches it.",
        discussion: """
            Keeps in force what was applied last: no file that is being edited is read. SIGHUP has the policy read anew. When \
            nothing was applied since the machine has started, it applies the policy first. When it ends, however it ends, the \
            rules stay.
            """)

    @OptionGroup var policy: PolicyArgument
    @OptionGroup var kernel: KernelOptions
    @OptionGroup var docker: DockerOptions
    @OptionGroup var diagnostics: DiagnosticOptions

    mutating func run() throws {
        let environment = ProcessInfo.processInfo.environment
        do {
            // Before any other thread is there.
            let signals = try Signals()
            let session = try KernelSession(kernel)
            guard let cookie = session.namespaceCookie else {
                Console.report("dockernft: watch needs Linux 5.14 or later, which tells network namespaces apart")
                throw ExitStatus.trouble
            }
            guard let lock = try session.directory.takeWatch(namespace: cookie) else {
                let holder = session.watcher.map { " (pid \($0))" } ?? ""
                Console.report("dockernft: this network namespace is watched already\(holder)")
                throw ExitStatus.trouble
            }
            try withExtendedLifetime(lock) {
                let keeper = try TableKeeper(
                    session, namespace: kernel.namespacePath, policyPath: policy.path, engine: try engine(environment),
                    diagnostics, log: WatchLog(environment: environment),
                    service: ServiceNotification(address: environment["NOTIFY_SOCKET"]))
                try keeper.run(until: signals)
            }
        } catch let failure as SystemFailure {
            Console.report("dockernft: \(failure)")
            throw ExitStatus.trouble
        } catch let loss as Enforcement.Loss {
            Console.report(loss.text)
            throw loss.status
        }
    }

    private func engine(_ environment: [String: String]) throws -> EngineLine? {
        switch docker.choice {
        case .none: return nil
        case .socket(let path): return try EngineLine(path)
        case .auto:
            guard let address = environment["DOCKER_HOST"], !address.isEmpty else {
                return try EngineLine(DockerChoice.standardPath)
            }
            do {
                return try EngineLine(DockerChoice.path(address))
            } catch let error as DockerError {
                Console.report("dockernft: DOCKER_HOST: \(error)")
                throw ExitStatus.trouble
            }
        }
    }
}

/// A follower, and the place where an engine that is away shows that it is back.
final class EngineLine {
    let path: String
    let follower: EngineFollower
    let wakeup: Wakeup
    private let directory: DirectoryWatch?
    private let signs: Int32
    private(set) var isFollowing = false

    /// An engine's socket, and the file with its process number, which it makes beside it.
    init(_ path: String) throws(SystemFailure) {
        self.path = path
        wakeup = try Wakeup()
        follower = EngineFollower(DockerSocket(path: path), waking: wakeup)
        let parts = path.split(separator: "/")
        let folder = "/" + parts.dropLast().joined(separator: "/")
        let name = parts.last.map(String.init) ?? ""
        // Without the directory there is no sign to wait for: a reload tries again.
        if let found = try? DirectoryWatch(folder, names: [name, "docker.pid"]) {
            signs = found.descriptor
            directory = consume found
        } else {
            signs = -1
            directory = nil
        }
    }

    func start() {
        _ = directory?.take()
        isFollowing = true
        follower.start()
    }

    /// Nobody follows any more.
    func end() { isFollowing = false }

    /// It answers: whatever showed that it lives is of no more use, and would be taken for a sign of the next one.
    func forgetSigns() { _ = directory?.take() }

    /// While the engine is followed, nobody needs the signs.
    var signDescriptor: Int32 { isFollowing ? -1 : signs }

    /// Takes the signs of life, and follows the engine again where there was one.
    func restartIfAlive() {
        if directory?.take() == true { start() }
    }
}
