import DockerSocket
import Foundation
import NIOCore
import NIOPosix

/// A peer on a unix socket that answers each path with the bytes that it was told to, and closes.
struct ScriptedEngine {
    enum Reply: Sendable {
        case answer(String)
        /// In these pieces, each on its own.
        case pieces([String])
        case silence
    }

    let path: String

    static func json(_ body: String, status: String = "200 OK", headers: String = "") -> Reply {
        .answer(
            "HTTP/1.1 \(status)\r\nContent-Type: application/json\r\n\(headers)Content-Length: \(body.utf8.count)\r\n\r\n"
                + body)
    }

    static func ping(_ version: String, headers: String = "") -> Reply {
        json("OK", headers: "Api-Version: \(version)\r\n\(headers)")
    }

    /// What is asked that `replies` does not have is answered with 404, as an engine does.
    static func with<Value>(
        _ replies: [String: Reply], _ body: (ScriptedEngine) async throws -> Value
    ) async throws -> Value {
        let path = "\(FileManager.default.temporaryDirectory.path)/engine-\(UUID().uuidString.prefix(8)).sock"
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let channel = try await ServerBootstrap(group: group)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Peer(replies: replies))
                }
            }
            .bind(unixDomainSocketPath: path).get()
        let result: Result<Value, any Error>
        do { result = .success(try await body(ScriptedEngine(path: path))) } catch { result = .failure(error) }
        try await channel.close()
        try await group.shutdownGracefully()
        try? FileManager.default.removeItem(atPath: path)
        return try result.get()
    }

    private final class Peer: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer

        private let replies: [String: Reply]
        private var request = ""

        init(replies: [String: Reply]) { self.replies = replies }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            request += String(buffer: unwrapInboundIn(data))
            guard request.hasSuffix("\r\n\r\n") else { return }
            let uri = String(request.split(separator: " ")[1].prefix { $0 != "?" })
            let missing = ScriptedEngine.json("{\"message\":\"page not found\"}", status: "404 Not Found")
            switch replies[uri] ?? missing {
            case .silence: break
            case .answer(let text): write([text], context)
            case .pieces(let pieces): write(pieces, context)
            }
        }

        private func write(_ pieces: [String], _ context: ChannelHandlerContext) {
            for piece in pieces {
                context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: piece)), promise: nil)
            }
            context.close(mode: .output, promise: nil)
        }
    }
}
