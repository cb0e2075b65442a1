internal import FoundationEssentials
internal import Glibc
internal import NIOCore
internal import NIOHTTP1
internal import NIOPosix

/// A GET, and what errors say of it.
struct Request: Sendable {
    let socket: DockerSocket
    /// With its version and query.
    let uri: String

    /// Without its query, which is long and says little.
    var name: String { "GET \(uri.prefix { $0 != "?" })" }

    var head: HTTPRequestHead {
        HTTPRequestHead(
            version: .http1_1, method: .GET, uri: uri,
            headers: ["Host": "docker", "User-Agent": "dockernft", "Connection": "close"])
    }

    func send(on loop: any EventLoop) -> EventLoopFuture<Answer> {
        let promise = loop.makePromise(of: Answer.self)
        connect(on: loop) { Exchange(self, promise) }.whenComplete { result in
            switch result {
            case .failure(let error): promise.fail(error)
            case .success(let channel):
                let timeout = loop.scheduleTask(in: TimeAmount(socket.limits.answer)) {
                    promise.fail(error(.answerTimeout(request: name)))
                    channel.close(promise: nil)
                }
                promise.futureResult.whenComplete { _ in timeout.cancel() }
            }
        }
        return promise.futureResult
    }

    func connect(
        on loop: any EventLoop, _ handler: @escaping @Sendable () -> some ChannelInboundHandler
    ) -> EventLoopFuture<any Channel> {
        ClientBootstrap(group: loop)
            .connectTimeout(TimeAmount(socket.limits.connect))
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHTTPClientHandlers()
                    try channel.pipeline.syncOperations.addHandler(handler())
                }
            }
            .connect(unixDomainSocketPath: socket.path)
            .flatMapErrorThrowing { throw self.error($0) }
    }

    func error(_ problem: DockerError.Problem) -> DockerError { DockerError(socket.path, problem) }

    /// What NIO throws, in our words.
    func error(_ error: any Error) -> DockerError {
        switch error {
        case let error as DockerError: error
        case let error as IOError: self.error(problem(errno: error.errnoCode, "\(error)"))
        case ChannelError.connectTimeout: self.error(.connectTimeout)
        case HTTPParserError.invalidEOFState: self.error(.closed(request: name))
        case let error as HTTPParserError:
            self.error(.malformed(request: name, field: "HTTP", expected: "HTTP/1.1, but \(error)"))
        case _: self.error(.connection(reason: "\(error)"))
        }
    }

    private func problem(errno: Int32, _ text: String) -> DockerError.Problem {
        switch errno {
        case ENOENT, ENOTDIR: .noSocket
        case EACCES, EPERM: .permissionDenied
        // The kernel says so of every file that is no socket, too.
        case ECONNREFUSED: isSocket ? .refused : .notASocket
        // Its queue of connections is full.
        case EAGAIN: .connectTimeout
        case ECONNRESET, EPIPE: .closed(request: name)
        case _: .connection(reason: text)
        }
    }

    private var isSocket: Bool {
        let attributes = try? FileManager.default.attributesOfItem(atPath: realPath)
        return attributes?[.type] as? FileAttributeType == .typeSocket
    }

    /// A symbolic link, as /var/run/docker.sock may be, is followed.
    private var realPath: String {
        guard let target = try? FileManager.default.destinationOfSymbolicLink(atPath: socket.path) else {
            return socket.path
        }
        let folder = socket.path.split(separator: "/").dropLast().map { "/\($0)" }.joined()
        return target.hasPrefix("/") ? target : "\(folder)/\(target)"
    }
}
