/// An engine's API on its unix socket.
public struct DockerSocket: Sendable {
    public var path: String

    public init(path: String) { self.path = path }
}
