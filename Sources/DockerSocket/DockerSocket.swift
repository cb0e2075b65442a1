public import Docker
internal import NIOCore
internal import NIOPosix

/// An engine's API on its unix socket: Docker 20.10 to 29, and Podman where it speaks the same.
public struct DockerSocket: Sendable {
    public var path: String
    public var limits: Limits

    public init(path: String, limits: Limits = .standard) {
        self.path = path
        self.limits = limits
    }

    /// What is waited for and taken in at the most, so that no engine can hold up an apply.
    public struct Limits: Hashable, Sendable {
        public var connect: Duration
        /// From a request to the last byte of its answer.
        public var answer: Duration
        public var bodyBytes: Int
        public var eventBytes: Int

        public init(connect: Duration, answer: Duration, bodyBytes: Int, eventBytes: Int) {
            self.connect = connect
            self.answer = answer
            self.bodyBytes = bodyBytes
            self.eventBytes = eventBytes
        }

        public static let standard = Limits(
            connect: .seconds(2), answer: .seconds(10), bodyBytes: 64 << 20, eventBytes: 1 << 20)
    }

    /// One thread for the process, which sleeps in the kernel while there is nothing to do, and never ends: to end it takes
    /// libdispatch, whose monitor wakes the process every second from then on.
    static let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)

    /// What runs now. Blocks: not for an event loop.
    ///
    /// `starting` are containers that an event has named before their process runs: what Docker will publish for them counts as
    /// published. From the moment that Docker starts one, it answers for it only when its process runs, and this waits: what
    /// `waiting()` said before needs no answer.
    public func inventory(starting: [String] = []) throws(DockerError) -> Inventory {
        var inventory = try survey { try $0.inventory(starting: starting) }
        inventory.proxyGroup = ProxyGroup.found(at: path, inventory)
        return inventory
    }

    /// The containers that do not run, with what they will publish when they are started. A port that Docker is to choose is not
    /// among it.
    public func waiting() throws(DockerError) -> [Container] { try survey { try $0.waiting() } }

    private func survey<Value>(_ body: (Survey) throws -> Value) throws(DockerError) -> Value {
        do {
            return try body(Survey(try Engine.negotiate(self, on: Self.group.next()).wait()))
        } catch let error as DockerError {
            throw error
        } catch {
            throw DockerError(path, .connection(reason: "\(error)"))
        }
    }
}
